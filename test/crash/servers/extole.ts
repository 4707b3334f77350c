/**
 * Extole as a process of its own, which outlives every death of the product: the stand-in of the sandbox, with each request on disk before
 * it is answered, and those of CRM and e-mail tools. One process serves many worlds, one after the other or side by side. Commands: open,
 * faults, fail, quiet, links, stored, imports, close.
 */
import { createLog, realIo } from '../../../src/io.ts';
import type { FaultName, FaultSource } from '../../../src/sandbox/extole/faults.ts';
import type { Behaviour } from '../../../src/sandbox/extole/folder-behaviour.ts';
import { type ExtoleStandIn, startExtole } from '../../../src/sandbox/extole/server.ts';
import { type ExtoleFolder, watchExtoleFolder } from '../../../src/sandbox/extole/sftp-folder.ts';
import { seeded } from '../../integration/support/seeded.ts';
import { faultMix } from './extole-faults.ts';
import { type Command, serveCommands, tell } from './protocol.ts';
import { type OpenTool, openTool, type ToolName } from './tools.ts';

/** How Extole goes about its folder: what of it can be said in JSON. */
export type FolderBehaviour = Partial<Pick<Behaviour, 'order' | 'halfWrittenMs' | 'resultsAfterMs' | 'hasty'>>;

export interface OpenExtole {
  world: string;
  token: string;
  /** JSON Lines; each request is in it, flushed, before its answer leaves. */
  log: string;
  dedupe: 'none' | 'within-event' | 'across-events';
  /** What a second link with a known key gives; and who is known before anything begins. */
  links?: {
    keys: 'refused' | 'same' | 'free';
    people: readonly KnownPerson[];
    /** Events of which a link is made: name to label. */
    onEvents?: Readonly<Record<string, string>>;
  };
  /** Tools to start beside it: their logs lie beside its own. */
  tools?: readonly ToolName[];
  /** What Extole's SFTP server serves, where a world has one. */
  folder?: { root: string; log: string; behaviour?: FolderBehaviour };
}

/** Somebody of whom Extole has a profile, or several, and perhaps a link of a label. */
export interface KnownPerson {
  email: string;
  partnerUserId?: string;
  profiles: number;
  label?: string;
}

/** A link as Extole has it, with the person's address. */
export interface StoredLink {
  email: string;
  label: string;
  key: string;
  link: string;
}

interface World {
  extole: ExtoleStandIn;
  folder: ExtoleFolder | undefined;
  tools: ReadonlyMap<string, OpenTool>;
  faults: FaultSource | undefined;
}

const io = realIo(createLog('silent'));
const worlds = new Map<string, World>();

async function open({ world, token, log, dedupe, folder, links, tools = [] }: OpenExtole): Promise<Opened> {
  const extole = await startExtole({
    io,
    tokens: [token],
    dedupe,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    log: { path: log, fsync: true },
    links: { shareables: { keys: links?.keys ?? 'refused' }, onEvents: links?.onEvents ?? {} },
  });
  for (const { email, partnerUserId, profiles, label } of links?.people ?? []) {
    const keys = partnerUserId === undefined ? {} : { keys: { partner_user_id: partnerUserId } };
    const ids = Array.from({ length: profiles }, () => extole.links.addPerson({ email, ...keys }));
    if (label === undefined) continue;
    for (const personId of ids) extole.links.putShareable({ personId, label });
  }
  const watched = folder && watchExtoleFolder({ io, account: extole.account, everyMs: 20, ...folder });
  const started = new Map<string, OpenTool>();
  for (const name of tools)
    started.set(name, await openTool(name, { io, log: { path: `${log}.${name}`, fsync: true } }));
  const opened: World = { extole, folder: watched, tools: started, faults: undefined };
  worlds.set(world, opened);
  let seq = 0;
  const faults: FaultSource = (request) => {
    seq += 1;
    tell({ event: 'request', world, seq });
    return opened.faults?.(request);
  };
  extole.setFaults(faults);
  extole.links.setFaults(faults);
  for (const { standIn } of started.values()) standIn.setFaults(faults);
  const urls = Object.fromEntries([...started].map(([name, { standIn }]) => [name, standIn.url]));
  return { url: extole.url, port: extole.port, tools: urls };
}

interface Opened {
  url: string;
  port: number;
  /** By tool. */
  tools: Record<string, string>;
}

function linksOf({ extole }: World): StoredLink[] {
  return extole.links.shareables.map(({ personId, label, key, code }) => ({
    email: extole.links.person(personId)?.email ?? personId,
    ...{ label, key, link: `${extole.links.behaviour.scheme}${extole.links.behaviour.domain}/${code}` },
  }));
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
    case 'links':
      return linksOf(worldOf(command.world));
    case 'stored':
      return worldOf(command.world).tools.get(String(command.tool))?.stored();
    case 'imports':
      return worldOf(command.world).tools.get(String(command.tool))?.imports?.() ?? [];
    case 'close': {
      const { extole, folder, tools } = worldOf(command.world);
      worlds.delete(String(command.world));
      await folder?.close();
      for (const { standIn } of tools.values()) await standIn.stop();
      await extole.close();
      return undefined;
    }
    default:
      throw new Error(`no such command: ${command.do}`);
  }
}

await serveCommands(handle);
