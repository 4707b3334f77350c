import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { readResults } from '../integration/support/e2e-results.ts';
import type { DroppedFile } from './feed.ts';

export interface Account {
  files: number;
  rows: number;
  delivered: number;
  duplicate: number;
  rejected: number;
  /** Requests that the stand-in got, of them those that met a fault, and events that it took once more. */
  requests: number;
  faults: number;
  again: number;
  violations: string[];
}

interface Places {
  served: string;
  received: string;
  ledger: string;
}

/** Compares everything that was dropped with the results, with what the stand-in took, and with the folders. */
export async function accountFor(dropped: readonly DroppedFile[], places: Places): Promise<Account> {
  const violations: string[] = [];
  const counts = { delivered: 0, duplicate: 0, rejected: 0 };
  const deliveries = new Map<string, number>();
  const viaHttp = new Set<string>();
  const published = readdirSync(join(places.served, 'results'));
  for (const file of dropped) {
    const newest = newestRevision(published, file.name);
    if (newest === undefined) {
      violations.push(`${file.name}: no results file`);
      continue;
    }
    const lines = readResults(readFileSync(join(places.served, 'results', newest)));
    if (lines.length !== file.expected.length)
      violations.push(`${newest}: ${lines.length} lines for ${file.expected.length} rows`);
    for (const [i, expected] of file.expected.entries()) {
      const found = lines[i];
      if (expected.kind === 'once') {
        if (!deliveries.has(expected.key)) deliveries.set(expected.key, 0);
        if (file.job !== 'quotes') viaHttp.add(expected.key);
      }
      const allowed = expected.kind === 'rejected' ? ['rejected'] : ['delivered', 'duplicate'];
      if (found?.line !== i + 2 || !allowed.includes(found.outcome))
        violations.push(`${newest}: line ${i + 2} is ${found?.outcome} ${found?.code}, expected ${allowed}`);
      if (found?.outcome === 'delivered' && file.repeats !== undefined)
        violations.push(`${newest}: line ${i + 2} of a repeated file is delivered`);
      if (found?.outcome === 'delivered' && expected.kind === 'once')
        deliveries.set(expected.key, (deliveries.get(expected.key) ?? 0) + 1);
      if (found?.outcome === 'delivered') counts.delivered++;
      if (found?.outcome === 'duplicate') counts.duplicate++;
      if (found?.outcome === 'rejected') counts.rejected++;
    }
  }
  for (const [key, n] of deliveries)
    if (n !== 1) violations.push(`${key} counts as delivered ${n} times in the results`);
  const received = await compareReceived(places.received, viaHttp, violations);
  compareFolders(dropped, places.served, violations);
  compareLedger(dropped, places.ledger, violations);
  const rows = dropped.reduce((sum, { expected }) => sum + expected.length, 0);
  if (counts.delivered + counts.duplicate + counts.rejected !== rows)
    violations.push(`${rows} rows were dropped, the outcomes are ${JSON.stringify(counts)}`);
  return { files: dropped.length, rows, ...counts, ...received, violations };
}

function newestRevision(published: readonly string[], name: string): string | undefined {
  const revision = (file: string): number => Number(/\.results\.r(\d+)\.csv$/.exec(file)?.[1] ?? 1);
  return published
    .filter((file) => file.startsWith(`${name.replace(/\.pgp$/, '')}.results`))
    .toSorted((a, b) => revision(a) - revision(b))
    .at(-1);
}

interface Entry {
  requestId: string;
  status: number;
  fault?: string;
  accepted: boolean;
  body: { data?: Record<string, string> };
}

/** Everything expected was taken, nothing else was, and nothing left again after a clear yes. */
async function compareReceived(
  path: string,
  expected: ReadonlySet<string>,
  violations: string[],
): Promise<{ requests: number; faults: number; again: number }> {
  const taken = new Map<string, number>();
  const answered = new Set<string>();
  const attempts = new Set<string>();
  const sums = { requests: 0, faults: 0, again: 0 };
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const entry: Entry = JSON.parse(line);
    const key = entry.body.data?.partner_conversion_id;
    if (key === undefined || entry.body.data?.container === 'test') continue;
    sums.requests++;
    if (entry.fault !== undefined) sums.faults++;
    if (attempts.has(entry.requestId)) violations.push(`attempt ${entry.requestId} came twice`);
    attempts.add(entry.requestId);
    if (answered.has(key)) violations.push(`${key} was sent again after a clear yes`);
    if (!expected.has(key)) violations.push(`${key} was sent, and nobody expects it`);
    if (entry.accepted) taken.set(key, (taken.get(key) ?? 0) + 1);
    if (entry.accepted && entry.status === 200 && (entry.fault === undefined || entry.fault === 'close-idle'))
      answered.add(key);
  }
  for (const key of expected) if (!taken.has(key)) violations.push(`${key} never reached the destination`);
  for (const n of taken.values()) sums.again += n - 1;
  return sums;
}

function compareFolders(dropped: readonly DroppedFile[], served: string, violations: string[]): void {
  for (const folder of ['inbox', 'processing', 'refused']) {
    const left = readdirSync(join(served, folder));
    if (left.length > 0) violations.push(`${folder} still holds ${left.slice(0, 3)}`);
  }
  for (const folder of ['results', 'reports', 'archive']) {
    // What is left of a report whose connection was lost is removed after a day.
    const excused = (name: string): boolean => folder === 'reports' && /^\..+\.[0-9a-f]{12}\.part$/.test(name);
    const hidden = readdirSync(join(served, folder)).filter((name) => name.startsWith('.') && !excused(name));
    if (hidden.length > 0) violations.push(`${folder} holds ${hidden.length} temporary files: ${hidden.slice(0, 3)}`);
  }
  const archived = readdirSync(join(served, 'archive')).length;
  if (archived !== dropped.length) violations.push(`${archived} files are archived, ${dropped.length} were dropped`);
}

function compareLedger(dropped: readonly DroppedFile[], path: string, violations: string[]): void {
  const db = new Database(path, { readonly: true });
  const integrity = db.pragma('integrity_check', { simple: true });
  if (integrity !== 'ok') violations.push(`integrity_check: ${String(integrity)}`);
  const open = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM processings WHERE state <> 'closed'").get();
  if (open?.n !== 0) violations.push(`${open?.n} files are not closed in the ledger`);
  const closed = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM processings WHERE state = 'closed'").get();
  if (closed?.n !== dropped.length) violations.push(`the ledger closed ${closed?.n} files of ${dropped.length}`);
  const states = db.prepare<[], { state: string }>('SELECT DISTINCT state FROM deliveries').all();
  for (const { state } of states)
    if (!['delivered', 'rejected', 'duplicate'].includes(state)) violations.push(`rows are left ${state}`);
  db.close();
}

/** What a state folder may hold once everything is final: no staged file, nothing half written, nothing that grows by itself. */
export function leftovers(state: string): string[] {
  const usual = new Set([
    'ledger.sqlite',
    'ledger.sqlite.lock',
    'ledger.id',
    'ledger.epoch',
    'staging',
    'staging/reports',
    'staging/answers',
  ]);
  return readdirSync(state, { recursive: true })
    .map(String)
    .filter((name) => !usual.has(name));
}
