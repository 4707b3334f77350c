import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultName } from '../../../src/sandbox/extole/faults.ts';
import type { Quirks } from '../../../src/sandbox/sftp/quirks.ts';
import { newKeyPair } from '../../../src/sandbox/sftp/server.ts';
import { FOLDERS } from '../../integration/support/dropping.ts';
import { type Logged, readReceived } from '../../integration/support/received.ts';
import type { FolderBehaviour, OpenExtole, StoredLink } from './extole.ts';
import type { OpenSftp } from './sftp.ts';
import type { SftpFaults } from './sftp-faults.ts';
import { startServer, type Talk } from './talk.ts';
import type { Stored, ToolName } from './tools.ts';

export const TOKEN = 'crash-canary-token-7f3a';
export const PARTNER = 'partner';
export const PASSWORD = 'crash-canary-password-9c1e';
const EXTOLE_USER = 'acme';

/** A request, or a row of a file (`method: 'ROW'`), as Extole's log has it: what arrived, before any deduplication. */
export type LoggedRequest = Logged<{ event_name?: string; event_time?: string; data?: Record<string, string> }>;

/** Two processes: one for Extole, one for SFTP. They serve any number of worlds and end with the process that started them. */
export interface Servers {
  pids: readonly number[];
  open(options: WorldOptions): Promise<ServedWorld>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  /** An existing folder; `served/`, `extole-sftp/` and the logs are made in it. */
  root: string;
  /** Extole's SFTP server, too, and how it goes about its folder; default none. */
  extoleSftp?: boolean | FolderBehaviour;
  /** How Extole makes links, and whom it knows; default nobody. */
  links?: OpenExtole['links'];
  /** CRM and e-mail tools beside it. */
  tools?: readonly ToolName[];
  /** Default `within-event`. */
  dedupe?: OpenExtole['dedupe'];
}

/** A partner's SFTP server and an Extole, both with an account of one world. */
export interface ServedWorld {
  sftp: {
    port: number;
    /** `SHA256:...` */
    hostKey: string;
    user: string;
    password: string;
    /** What it serves as `/`: inbox, processing, archive, refused, results, reports. */
    root: string;
  };
  extole: { url: string; token: string; log: string };
  extoleSftp: { port: number; hostKey: string; user: string; keyFile: string; root: string; log: string } | undefined;
  /** Addresses of the tools, by name. */
  tools: Readonly<Record<string, string>>;
  /** From now on, Extole answers `share` of the requests badly, and SFTP misbehaves as the options say; default not at all. */
  faults(seed: number, share: number, sftp?: Omit<SftpFaults, 'seed'>): Promise<void>;
  /** Both behave. */
  quiet(): Promise<void>;
  /** Plays these for the next posted events, files or batches, one each. */
  fail(...faults: readonly FaultName[]): Promise<void>;
  /** Sets these quirks of the partner's SFTP server, and clears all others. */
  quirks(quirks: Partial<Quirks>): Promise<void>;
  /** Resets every connection to the partner's SFTP server. */
  drop(): Promise<void>;
  /** Another server, with another host key, takes the place of the partner's, on the same port. */
  impostor(): Promise<void>;
  /** What clients did at the partner's SFTP server; `offered`: ways of login with which a credential was offered. */
  seen(): Promise<{ connections: number; sessions: number; offered: string[] }>;
  /** Everything that arrived at Extole so far, read from its log. */
  requests(): LoggedRequest[];
  /** Every link of the account. */
  links(): Promise<StoredLink[]>;
  /** What a tool has of each person. */
  stored(tool: ToolName): Promise<Stored>;
  /** Names of the files that a tool was given to import. */
  imports(tool: ToolName): Promise<string[]>;
  /** Called at each request that can be answered badly, before it is; `undefined` stops that. */
  onRequest(listener: ((seq: number) => void) | undefined): void;
  /** Ends the servers of this world; the processes live on. */
  close(): Promise<void>;
}

export function startServers(): Servers {
  const extole = startServer('extole.ts');
  const sftp = startServer('sftp.ts');
  let worlds = 0;
  return {
    pids: [extole.pid, sftp.pid],
    open: (options) => openWorld(extole, sftp, `w${++worlds}`, options),
    stop: async () => {
      await Promise.all([extole.stop(), sftp.stop()]);
    },
  };
}

async function openWorld(extole: Talk, sftp: Talk, world: string, options: WorldOptions): Promise<ServedWorld> {
  const { root, dedupe = 'within-event' } = options;
  const served = join(root, 'served');
  for (const folder of FOLDERS) mkdirSync(join(served, folder), { recursive: true });
  const log = join(root, 'extole.jsonl');
  const hostKeyPath = join(root, 'host_key');
  const partner: OpenSftp = { server: world, root: served, users: [{ name: PARTNER, password: PASSWORD }] };
  const opened: { port: number; hostKey: string } = read(
    await sftp.ask({ do: 'open', options: { ...partner, hostKeyPath } }),
  );
  const behaviour = typeof options.extoleSftp === 'object' ? options.extoleSftp : {};
  const extoleSftp = options.extoleSftp ? await openExtoleSftp(sftp, world, root) : undefined;
  const wanted: OpenExtole = {
    world,
    token: TOKEN,
    log,
    dedupe,
    ...(options.links ? { links: options.links } : {}),
    ...(options.tools ? { tools: options.tools } : {}),
    ...(extoleSftp ? { folder: { root: extoleSftp.root, log: extoleSftp.log, behaviour } } : {}),
  };
  const { url, tools }: { url: string; tools: Record<string, string> } = read(
    await extole.ask({ do: 'open', options: wanted }),
  );
  const names = extoleSftp ? [world, `${world}-extole`] : [world];

  return {
    sftp: { ...opened, user: PARTNER, password: PASSWORD, root: served },
    extole: { url, token: TOKEN, log },
    extoleSftp,
    tools,
    async faults(seed, share, ofSftp = { share: 0 }) {
      await extole.ask({ do: 'faults', world, seed, share });
      for (const [i, server] of names.entries())
        await sftp.ask({ do: 'faults', server, faults: { ...ofSftp, seed: seed + 7919 * (i + 1) } });
    },
    async quiet() {
      await extole.ask({ do: 'quiet', world });
      for (const server of names) await sftp.ask({ do: 'quiet', server });
    },
    fail: async (...faults) => void (await extole.ask({ do: 'fail', world, faults })),
    quirks: async (quirks) => void (await sftp.ask({ do: 'quirks', server: world, quirks })),
    drop: async () => void (await sftp.ask({ do: 'drop', server: world })),
    async impostor() {
      await sftp.ask({ do: 'close', server: world });
      await sftp.ask({ do: 'open', options: { ...partner, port: opened.port } });
    },
    seen: async () => read(await sftp.ask({ do: 'seen', server: world })),
    requests: () => readReceived(log),
    links: async () => read(await extole.ask({ do: 'links', world })),
    imports: async (tool) => read(await extole.ask({ do: 'imports', world, tool })),
    stored: async (tool) => read(await extole.ask({ do: 'stored', world, tool })),
    onRequest: (listener) => extole.onRequest(world, listener),
    async close() {
      extole.onRequest(world, undefined);
      await extole.ask({ do: 'close', world });
      for (const server of names) await sftp.ask({ do: 'close', server });
    },
  };
}

async function openExtoleSftp(
  sftp: Talk,
  world: string,
  root: string,
): Promise<NonNullable<ServedWorld['extoleSftp']>> {
  const served = join(root, 'extole-sftp');
  mkdirSync(served, { recursive: true });
  const keyFile = join(root, 'extole_key');
  const key = newKeyPair();
  writeFileSync(keyFile, key.private, { mode: 0o600 });
  const options: OpenSftp = {
    server: `${world}-extole`,
    root: served,
    users: [{ name: EXTOLE_USER, publicKeys: [key.public] }],
    hostKeyPath: join(root, 'extole_host_key'),
  };
  const opened: { port: number; hostKey: string } = read(await sftp.ask({ do: 'open', options }));
  return { ...opened, user: EXTOLE_USER, keyFile, root: served, log: join(root, 'extole-taken.jsonl') };
}

/** What our own servers answered is what they say it is. */
function read<T>(value: unknown): T {
  return JSON.parse(JSON.stringify(value));
}
