import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, realIo } from '../../../src/io.ts';
import type { ReceiveLinks } from '../../../src/jobs/receive-settings.ts';
import type { KnownLink } from '../../../src/ledger/links.ts';
import { linksInOrder } from '../../../src/ledger/list-links.ts';
import { type Ledger, openLedger } from '../../../src/ledger/open.ts';
import { destinationId } from '../../../src/ledger/registry.ts';
import type { Io } from '../../../src/model.ts';
import { createCommits } from '../../../src/receivers/commits.ts';
import { type Hook, linkHook, pageHook } from '../../../src/receivers/hook.ts';
import { startListener } from '../../../src/receivers/listener.ts';
import { createTally, type Result } from '../../../src/receivers/tally.ts';
import { addWebhooks } from '../../../src/receivers/webhooks.ts';

export const KEY = '0123456789abcdef-the-key';
export const DESTINATION = { provider: 'extole', account: 'acme', container: 'production' };
export const LABEL = 'refer-a-friend';

/** A ledger, and a listener that takes webhooks of the jobs `links` (Extole) and `members` (Heap). */
export interface Receiving {
  io: Io;
  ledger: Ledger;
  url: (job: string) => string;
  /** Switches how Extole's posts are known. */
  extole: (receive: Partial<ReceiveLinks>, labels?: readonly string[]) => void;
  /** What else `hookOf` says. */
  hooks: Map<string, Hook | 'unclear'>;
  links: () => KnownLink[];
  counts: () => Partial<Record<Result, number>>;
  logged: () => string[];
  broken: unknown[];
  close: () => Promise<void>;
}

export async function openReceiving(): Promise<Receiving> {
  const folder = mkdtempSync(join(tmpdir(), 'referry-receiving-'));
  const logged: string[] = [];
  const keep = (fields: object, message: string): void => void logged.push(JSON.stringify({ ...fields, message }));
  const io: Io = { ...realIo(createLog('silent')), log: { debug: keep, info: keep, warn: keep, error: keep } };
  const ledger = await openLedger(join(folder, 'ledger.sqlite'), 'daemon', io);
  const tally = createTally();
  const broken: unknown[] = [];
  const commits = createCommits(ledger, io, (problem) => broken.push(problem));
  const hooks: Receiving['hooks'] = new Map();
  const extole: Receiving['extole'] = (receive, labels = [LABEL]) => {
    const settings = { keyType: 'hs256' as const, key: [KEY], ...receive };
    const of = { ledger, io, job: 'links', destination: DESTINATION, label: LABEL, labels };
    hooks.set('links', linkHook({ ...of, receive: settings }));
  };
  extole({});
  hooks.set('members', pageHook({ ledger, io, job: 'members', receive: { key: [KEY] } }));
  const hookOf = async (job: string): Promise<Hook | 'unknown' | 'unclear'> => hooks.get(job) ?? 'unknown';
  const listener = await startListener(
    { host: '127.0.0.1', port: 0 },
    { io, pages: [(app) => addWebhooks(app, { io, commits, tally, hookOf })], setting: 'none' },
  );
  const place = { destinationId: destinationId(ledger, DESTINATION), label: LABEL };
  return {
    io,
    ledger,
    url: (job) => `${listener.url}/webhooks/${job}`,
    extole,
    hooks,
    links: () => [...linksInOrder(ledger, place)],
    counts: () => Object.fromEntries(tally.counts().map(({ result, n }) => [result, n])),
    logged: () => logged,
    broken,
    close: async () => {
      await listener.close();
      await commits.close();
      await ledger.close().catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
