/**
 * Extole as a process of its own, which outlives every death of the product: the stand-in of the sandbox, with each request on disk before
 * it is answered. One process serves many worlds, one after the other or side by side. Commands: open, faults, fail, quiet, close.
 */
import { createLog, realIo } from '../../../src/io.ts';
import type { FaultName, FaultSource } from '../../../src/sandbox/extole/faults.ts';
import type { Behaviour } from '../../../src/sandbox/extole/folder-behaviour.ts';
import { type ExtoleStandIn, startExtole } from '../../../src/sandbox/extole/server.ts';
import { type ExtoleFolder, watchExtoleFolder } from '../../../src/sandbox/extole/sftp-folder.ts';
import { seeded } from '../../integration/support/seeded.ts';
import { faultMix } from './extole-faults.ts';
import { type Command, serveCommands, tell } from './protocol.ts';

/** How Extole goes about its folder: what of it can be said in JSON. */
export type FolderBehaviour = Partial<Pick<Behaviour, 'order' | 'halfWrittenMs' | 'resultsAfterMs' | 'hasty'>>;

export interface OpenExtole {
  world: string;
  token: string;
  /** JSON Lines; each request is in it, flushed, before its answer leaves. */
  log: string;
  dedupe: 'none' | 'within-event' | 'across-events';
  /** What Extole's SFTP server serves, where a world has one. */
  folder?: { root: string; log: string; behaviour?: FolderBehaviour };
}

interface World {
  extole: ExtoleStandIn;
  folder: ExtoleFolder | undefined;
  faults: FaultSource | undefined;
}

const io = realIo(createLog('silent'));
const worlds = new Map<string, World>();

async function open({ world, token, log, dedupe, folder }: OpenExtole): Promise<{ url: string; port: number }> {
  const extole = await startExtole({
    io,
    tokens: [token],
    dedupe,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    log: { path: log, fsync: true },
  });
  const watched = folder && watchExtoleFolder({ io, account: extole.account, everyMs: 20, ...folder });
  const opened: World = { extole, folder: watched, faults: undefined };
  worlds.set(world, opened);
  let seq = 0;
  extole.setFaults((request) => {
    seq += 1;
    tell({ event: 'request', world, seq });
    return opened.faults?.(request);
  });
  return { url: extole.url, port: extole.port };
}

function worldOf(name: unknown): World {
  const found = worlds.get(String(name));
  if (!found) throw new Error(`no world ${String(name)} is open here`);
  return found;
}

async function handle(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'open':
      return open(JSON.parse(JSON.stringify(command.options)));
    case 'faults': {
      worldOf(command.world).faults = faultMix(seeded(Number(command.seed)), Number(command.share));
      return undefined;
    }
    case 'fail': {
      const names: FaultName[] = JSON.parse(JSON.stringify(command.faults));
      worldOf(command.world).extole.fail(...names);
      return undefined;
    }
    case 'quiet': {
      worldOf(command.world).faults = undefined;
      return undefined;
    }
    case 'close': {
      const { extole, folder } = worldOf(command.world);
      worlds.delete(String(command.world));
      await folder?.close();
      await extole.close();
      return undefined;
    }
    default:
      throw new Error(`no such command: ${command.do}`);
  }
}

await serveCommands(handle);
