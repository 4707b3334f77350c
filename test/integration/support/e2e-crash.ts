import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from './e2e-cli.ts';
import { bodiesOf, type CrashFile, ordersOf } from './e2e-crash-files.ts';
import { type Snapshot, snapshotOf } from './e2e-crash-watch.ts';
import { readResults } from './e2e-results.ts';
import type { Request, World } from './e2e-world.ts';

/** What was seen over all lives of the process. */
export interface History {
  world: World;
  files: readonly CrashFile[];
  window: number;
  ends: CliResult[];
  kills: number;
  /** After each life: what the ledger said, and the last request that the destination had got by then. */
  snapshots: { snapshot: Snapshot; seq: number }[];
}

export function startHistory(world: World, files: readonly CrashFile[], window: number): History {
  return { world, files, window, ends: [], kills: 0, snapshots: [] };
}

/** Called after each end of a process: what can be said of one moment is checked at once. */
export function remember(history: History, end: CliResult): void {
  const { world, window } = history;
  history.ends.push(end);
  if (end.signal === 'SIGKILL') history.kills++;
  const snapshot = snapshotOf(world.ledger);
  const requests = world.requests();
  if (!snapshot) {
    expect(requests, 'sent before there was a ledger').toEqual([]);
    return;
  }
  expect(snapshot.integrity).toBe('ok');
  // Claimed first: whatever arrived has its attempt in the ledger, also right after a kill.
  for (const request of requests) expectClaimed(snapshot, request);
  expect(snapshot.claimed, 'orphans of one crash').toBeLessThanOrEqual(window);
  history.snapshots.push({ snapshot, seq: requests.at(-1)?.seq ?? 0 });
}

function expectClaimed(snapshot: Snapshot, { requestId, body }: Request): void {
  const [, delivery = '', attempt = ''] = /^[0-9a-f]+-(\d+)-(\d+)$/.exec(requestId) ?? [];
  const row = snapshot.rows.get(Number(delivery));
  const claimed = row !== undefined && row.key === body.data.partner_conversion_id && row.attempts >= Number(attempt);
  if (!claimed) throw new Error(`request ${requestId} has no committed attempt: ${JSON.stringify(row)}`);
}

/** Everything is through: not one file is open, and the inbox is empty. */
export function isConverged(history: History): boolean {
  const last = history.snapshots.at(-1)?.snapshot;
  if (!last || history.world.files('inbox').length > 0) return false;
  return (
    last.processings.length > 0 && last.processings.every(({ state }) => state === 'closed' || state === 'vanished')
  );
}

export interface Findings {
  /** Accepted more than once, each explained by an attempt without a clear answer. */
  extraCopies: number;
  held: number;
}

/** The invariants of many lives. `resends`: unknown rows may be sent again; otherwise they may be held instead. */
export function checkInvariants(history: History, options: { resends: boolean }): Findings {
  const { world, files, snapshots } = history;
  const requests = world.requests();
  const last = snapshots.at(-1)?.snapshot;
  if (!last) throw new Error('there never was a ledger');

  const held = checkResults(history, requests, options.resends);
  checkDestination(files, requests, held);
  checkAttempts(requests);
  checkAcknowledged(history, requests);
  checkOrder(files, requests);

  expect(last.integrity).toBe('ok');
  expect([...last.rows.values()].filter(({ state }) => OPEN.has(state))).toEqual([]);
  expect(world.files('processing')).toEqual([]);
  expect(world.files('archive')).toHaveLength(files.length);
  expect(readdirSync(join(world.served, 'results')).filter((name) => name.startsWith('.'))).toEqual([]);
  checkSecrets(history);
  return { extraCopies: extraCopies(requests, last, options.resends), held: held.size };
}

const OPEN = new Set(['claimed', 'waiting', 'unknown', 'failed']);

/** One line for each input row, in order, with the outcome that the maker of the file expects. Returns keys held instead. */
function checkResults({ world, files }: History, requests: readonly Request[], resends: boolean): Set<string> {
  const held = new Set<string>();
  const acceptedIds = new Map(requests.filter((each) => each.accepted).map((each) => [each.eventId, each]));
  for (const { name, expected } of files) {
    const lines = readResults(world.read(`results/${name}.results.csv`));
    const seen = lines.map(({ line, outcome, code, input }) => ({ line, outcome, code, input }));
    const wanted = expected.map(({ row, ...rest }, i) => {
      const got = lines[i];
      if (resends || !row || got?.outcome !== 'held') return rest;
      held.add(row.id);
      return { ...rest, outcome: 'held', code: 'UNKNOWN_DELIVERY' };
    });
    expect(seen).toEqual(wanted);
    for (const { outcome, eventId, input } of lines) {
      if (outcome !== 'delivered') continue;
      const proof = acceptedIds.get(eventId);
      expect(proof, `event ${eventId} of ${input} was accepted`).toBeDefined();
      expect(input).toContain(proof?.body.data.partner_conversion_id);
    }
  }
  return held;
}

/** Nothing lost and no phantom: exactly the expected keys were accepted, with exactly the expected data. */
function checkDestination(files: readonly CrashFile[], requests: readonly Request[], held: Set<string>): void {
  const bodies = bodiesOf(files);
  for (const { body } of requests) expect(body.data).toEqual(bodies.get(body.data.partner_conversion_id ?? ''));
  const accepted = new Set(requests.filter((each) => each.accepted).map(keyOf));
  const missing = [...bodies.keys()].filter((key) => !accepted.has(key) && !held.has(key));
  expect(missing, 'lost rows').toEqual([]);
}

function checkAttempts(requests: readonly Request[]): void {
  const ids = requests.map(({ requestId }) => requestId);
  expect(ids.length - new Set(ids).size, 'attempts that arrived twice').toBe(0);
}

/** Once a yes is in the ledger, no later request carries its key. */
function checkAcknowledged({ snapshots }: History, requests: readonly Request[]): void {
  const finalAt = new Map<string, number>();
  for (const { snapshot, seq } of snapshots) {
    for (const { key, state } of snapshot.rows.values())
      if (state === 'delivered' && !finalAt.has(key)) finalAt.set(key, seq);
  }
  const late = requests.filter((each) => each.seq > (finalAt.get(keyOf(each)) ?? Number.POSITIVE_INFINITY));
  expect(late.map(keyOf), 'sent after they were acknowledged').toEqual([]);
}

/** Rows of one person arrive one after the other: once the next one came, the one before is never sent again. */
function checkOrder(files: readonly CrashFile[], requests: readonly Request[]): void {
  for (const [person, keys] of ordersOf(files)) {
    const positions = requests.map((each) => keys.indexOf(keyOf(each))).filter((position) => position >= 0);
    expect(positions, `order of ${person}`).toEqual(positions.toSorted((a, b) => a - b));
  }
}

function extraCopies(requests: readonly Request[], last: Snapshot, resends: boolean): number {
  const copies = new Map<string, number>();
  for (const each of requests) if (each.accepted) copies.set(keyOf(each), (copies.get(keyOf(each)) ?? 0) + 1);
  const unclear = new Map<string, number>();
  for (const [id, { key }] of last.rows) unclear.set(key, (unclear.get(key) ?? 0) + (last.unclear.get(id) ?? 0));
  let extra = 0;
  for (const [key, accepted] of copies) {
    extra += accepted - 1;
    const allowed = resends ? (unclear.get(key) ?? 0) : 0;
    expect(accepted - 1, `copies of ${key} beyond the first`).toBeLessThanOrEqual(allowed);
  }
  return extra;
}

function checkSecrets({ world, ends }: History): void {
  const told = ends.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  const stored = ['', '-wal'].map((end) => world.ledger + end).filter(existsSync);
  const ledger = Buffer.concat(stored.map((path) => readFileSync(path)));
  for (const canary of ['private.example', 'M-REGULAR', world.env.EXTOLE_TOKEN ?? '', world.env.SFTP_PASSWORD ?? '']) {
    expect(told.includes(canary), `${canary} in what was told`).toBe(false);
    expect(ledger.includes(canary), `${canary} in the ledger`).toBe(false);
  }
}

const keyOf = ({ body }: Request): string => body.data.partner_conversion_id ?? '';
