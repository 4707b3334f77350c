import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { onTestFinished } from 'vitest';
import type { ExportAccount, PushAccount } from '../../../src/accounts.ts';
import { createLog, realIo } from '../../../src/io.ts';
import { exportTargets } from '../../../src/jobs/export-targets.ts';
import { pushTargets } from '../../../src/jobs/push-targets.ts';
import { type LinkEnd, openLinkBook, type TellLink } from '../../../src/ledger/links.ts';
import { type Ledger, openLedger } from '../../../src/ledger/open.ts';
import { destinationId } from '../../../src/ledger/registry.ts';
import type { Io, Notice } from '../../../src/model.ts';
import { afterRows } from '../../../src/pipelines/export-share-links/after-rows.ts';
import { openRemote } from '../../../src/remotes/open.ts';
import { remoteSettings } from '../../../src/remotes/settings.ts';

/** What a process that dies at a named place throws here. */
export class Died extends Error {}

export interface After {
  notices: Notice[];
  exports: (ExportAccount & { news: boolean })[];
  pushes: (PushAccount & { news: boolean })[];
}

export interface AfterOptions {
  exports?: readonly object[];
  push?: readonly object[];
  /** Dies when it comes by this place for the n-th time (from 1). */
  dieAt?: readonly [place: string, nth: number];
  io?: Io;
  signal?: AbortSignal;
  encryptTo?: readonly string[];
  /** Milliseconds; 7 days by default. */
  failedMaxAge?: number;
  /** As the job says it now. */
  label?: string;
}

export const io = realIo(createLog('silent'));

/** A ledger with links in it, and folders, for the steps that follow the rows of a run. */
export interface AfterWorld {
  folder: string;
  /** The URL of a folder that exists. */
  outbox: string;
  /** Names in the outbox. */
  out(): string[];
  read(name: string): Record<string, string>[];
  text(name: string): string;
  manifest(name: string): Record<string, unknown>;
  /** Results files, by name. */
  results(): Record<string, Record<string, string>[]>;
  tell(links: readonly Partial<TellLink>[], label?: string): Promise<LinkEnd[]>;
  withLedger<T>(work: (ledger: Ledger) => T | Promise<T>): Promise<T>;
  /** The steps, in a ledger of their own opening. Throws `Died` where it is to die. */
  after(options: AfterOptions): Promise<After>;
  /** Places that were passed, in order. */
  passed: string[];
}

export function afterWorld(label = 'refer'): AfterWorld {
  const folder = mkdtempSync(join(tmpdir(), 'referry-after-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['source', 'outbox', 'staging']) mkdirSync(join(folder, name));
  const outbox = join(folder, 'outbox');
  const passed: string[] = [];

  const withLedger = async <T>(work: (ledger: Ledger) => T | Promise<T>): Promise<T> => {
    const ledger = await openLedger(join(folder, 'ledger.db'), 'command', io);
    try {
      return await work(ledger);
    } finally {
      await ledger.close();
    }
  };
  const placeIn = (ledger: Ledger, of = label) => ({
    destinationId: destinationId(ledger, { provider: 'extole', account: 'acme', container: 'production' }),
    label: of,
  });
  const text = (name: string): string => readFileSync(join(outbox, name), 'utf8');
  return {
    folder,
    outbox: `file://${outbox}`,
    passed,
    out: () => readdirSync(outbox).sort(),
    text,
    read: (name) => parse(text(name), { columns: true }),
    manifest: (name) => JSON.parse(text(name)),
    results() {
      const at = join(folder, 'source', 'results');
      const names = readdirSync(at).sort();
      return Object.fromEntries(names.map((name) => [name, parse(readFileSync(join(at, name)), { columns: true })]));
    },
    withLedger,
    tell: (links, of) =>
      withLedger((ledger) =>
        openLinkBook(ledger, placeIn(ledger, of)).record(
          links.map((link) => ({
            link: `https://share.example.com/${link.code ?? 'x'}`,
            code: '',
            cameBy: 'created',
            asOf: io.now(),
            ...link,
          })),
          io.now(),
        ),
      ),
    after: ({ dieAt, exports, push, ...options }) =>
      withLedger(async (ledger) => {
        const came: After = { notices: [], exports: [], pushes: [] };
        const using = options.io ?? io;
        const signal = options.signal ?? new AbortController().signal;
        const url = `file://${join(folder, 'source')}`;
        const left = { place: dieAt?.[0], n: dieAt?.[1] ?? 0 };
        await using remote = await openRemote(remoteSettings.parse({ url }), using, signal);
        await afterRows(
          {
            job: {
              id: 'links',
              customers: { columns: {} },
              exports: exportTargets.parse(exports ?? []),
              push: pushTargets.parse(push ?? []),
              failed: { maxAge: options.failedMaxAge ?? 7 * 86_400_000 },
              report: { to: 'results', encryptTo: options.encryptTo },
            },
            ledger,
            io: using,
            signal,
            staging: join(folder, 'staging'),
            remote,
            keys: undefined,
            logins: { mayTry: () => {}, refused: () => {}, accepted: () => {} },
            links: placeIn(ledger, options.label),
            progress: () => {},
            crashPoint: (place) => {
              passed.push(place);
              if (place === left.place && --left.n === 0) throw new Died(place);
            },
          },
          {
            notices: came.notices,
            addExport: (account, news) => void came.exports.push({ ...account, news }),
            addPush: (account, news) => void came.pushes.push({ ...account, news }),
          },
        );
        return came;
      }),
  };
}

/** So many people, with a link each. */
export function people(count: number, from = 1): Partial<TellLink>[] {
  return Array.from({ length: count }, (_, i) => {
    const n = String(i + from).padStart(4, '0');
    return { email: `p${n}@example.com`, partnerUserId: `id-${n}`, code: `code${n}` };
  });
}
