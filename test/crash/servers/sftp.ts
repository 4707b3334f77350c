/**
 * SFTP servers in a process of their own, which outlives every death of the product: those of the sandbox, over folders on disk, with faults
 * by a seed. Commands: open, faults, quirks, quiet, drop, seen, close.
 */
import { newKeyPair, type SftpServer, startSftpServer } from '../../../src/sandbox/sftp/server.ts';
import { seeded } from '../../integration/support/seeded.ts';
import { type Command, serveCommands } from './protocol.ts';
import { playFaults, type SftpFaults, stopFaults } from './sftp-faults.ts';

export interface OpenSftp {
  server: string;
  root: string;
  users: { name: string; password?: string; publicKeys?: string[] }[];
  /** Where the host key is kept: the same server again, or, without, another one. */
  hostKeyPath?: string;
  /** Default: any free one. */
  port?: number;
}

const servers = new Map<string, SftpServer>();

function serverOf(name: unknown): SftpServer {
  const found = servers.get(String(name));
  if (!found) throw new Error(`no server ${String(name)} is open here`);
  return found;
}

async function open({ server: name, hostKeyPath, ...options }: OpenSftp): Promise<unknown> {
  const key = hostKeyPath === undefined ? { hostKeys: [newKeyPair().private] } : { hostKeyPath };
  const server = await startSftpServer({ ...options, ...key });
  servers.set(name, server);
  return { port: server.port, hostKey: server.hostKeyFingerprint };
}

async function handle(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'open':
      return open(JSON.parse(JSON.stringify(command.options)));
    case 'faults': {
      const faults: SftpFaults = JSON.parse(JSON.stringify(command.faults));
      playFaults(serverOf(command.server).quirks, seeded(faults.seed), faults);
      return undefined;
    }
    case 'quirks':
      return stopFaults(serverOf(command.server).quirks, JSON.parse(JSON.stringify(command.quirks)));
    case 'quiet':
      return stopFaults(serverOf(command.server).quirks);
    case 'drop':
      return serverOf(command.server).dropConnections();
    case 'seen':
      return serverOf(command.server).seen;
    case 'close': {
      const server = serverOf(command.server);
      servers.delete(String(command.server));
      return server.close();
    }
    default:
      throw new Error(`no such command: ${command.do}`);
  }
}

await serveCommands(handle);
