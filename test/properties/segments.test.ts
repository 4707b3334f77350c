import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { destinationId } from '../../src/ledger/registry.ts';
import { openChunks } from '../../src/ledger/segment-chunks.ts';
import { doubtedMembers } from '../../src/ledger/segment-doubts.ts';
import { confirmedMembers } from '../../src/ledger/segment-members.ts';
import { beginSync, endSync, runningSync } from '../../src/ledger/segment-syncs.ts';
import { ensureSegment, findSegment } from '../../src/ledger/segments.ts';
import { applyChanges } from '../../src/pipelines/sync-segment/apply.ts';
import {
  carryOut,
  chunksOf,
  endRepair,
  judgeSync,
  type SyncContext,
  type SyncEnd,
  type SyncRequest,
  type WantedMembers,
} from '../../src/pipelines/sync-segment/sync.ts';
import { PARTS, partOf } from '../../src/segments/spool.ts';
import { Dead, Provider, type Trouble } from './support/provider.ts';
import { runs, timeFor } from './support/runs.ts';

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'referry-segments-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'ledger.sqlite');

type Death = 'chunk-claimed' | 'chunk-answered' | 'chunk-settled' | 'sync-begun' | 'sync-ended';
interface Step {
  kind: 'snapshot' | 'changes';
  members: number[];
  others: number[];
  troubles: Trouble[];
  deaths: (Death | 'none')[];
  /** A later file comes up while this one is not through. */
  hasty: boolean;
  /** What fails is given up at the next try. */
  impatient: boolean;
  /** A call with one of these never has an answer, or is refused for good, while the step lasts. */
  poison: number[];
  refused: number[];
  /** A guard holds it, until a person releases it. */
  held: boolean;
  /** Before it, somebody changes the list at the target, and it is repaired, with the same troubles. */
  repaired: boolean;
}

/** Files are told apart by number only. */
async function open(): Promise<Ledger> {
  const ledger = await openLedger(path, 'command', io);
  ledger.db.pragma('foreign_keys = OFF');
  return ledger;
}

async function fresh(): Promise<Ledger> {
  const ledger = await open();
  ledger.db.exec(
    "DELETE FROM segment_refusals; DELETE FROM segment_doubts; DELETE FROM segment_chunks; DELETE FROM segment_syncs; DELETE FROM segment_members; DELETE FROM segments; DELETE FROM sqlite_sequence WHERE name LIKE 'segment%'",
  );
  return ledger;
}

/** Each look at the clock is a second later than the one before. */
let clock = 1_700_000_000_000;
const io = {
  ...realIo(createLog('silent')),
  sleep: async () => {},
  now: () => {
    clock += 1000;
    return clock;
  },
};
const identity = { provider: 'test', account: 'a', container: 't' };
const nameOf = (n: number): string => `member-${n}`;

function inParts(members: ReadonlySet<string>): Set<string>[] {
  const parts = Array.from({ length: PARTS }, () => new Set<string>());
  for (const member of members) parts[partOf(member)]?.add(member);
  return parts;
}

type Request = Omit<SyncRequest, 'segment' | 'target'>;

interface Luck {
  death?: string | undefined;
  impatient?: boolean;
}

function contextOf(ledger: Ledger, { death = 'none', impatient = false }: Luck): SyncContext {
  return {
    ledger,
    io,
    signal: new AbortController().signal,
    hash: (member: string) => Buffer.from(member).toString('hex').slice(0, 32),
    maxAttempts: 2,
    backoffMs: () => 0,
    failedMaxAge: impatient ? 0 : 1e12,
    scratch: folder,
    applied: () => {},
    crashPoint: (name: string) => {
      if (name === death) throw new Dead();
    },
  };
}

async function once(ledger: Ledger, provider: Provider, request: Request, luck: Luck = {}): Promise<SyncEnd> {
  const place = { destinationId: destinationId(ledger, identity), name: 'vip', job: 'j', idKind: 'userId' };
  const ctx = contextOf(ledger, luck);
  const whole = { ...request, segment: ensureSegment(ledger, place, 1), target: provider.target() };
  return carryOut(ctx, whole, await judgeSync(ctx, whole));
}

/** Runs a sync as a process does that dies again and again, and in the end lives. */
async function live(
  first: Ledger,
  provider: Provider,
  step: Step,
  request: Request,
): Promise<{ ledger: Ledger; end: SyncEnd }> {
  let ledger = first;
  const deaths = [...step.deaths];
  provider.troubles = [...step.troubles];
  provider.poison = new Set(step.impatient ? step.poison.map(nameOf) : []);
  provider.refused = new Set(step.refused.map(nameOf));
  for (let lives = 0; lives < 50; lives++) {
    try {
      const end = await once(ledger, provider, request, { death: deaths.shift(), impatient: step.impatient });
      if (end.kind === 'done' || end.kind === 'held') return { ledger, end };
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
      await ledger.close();
      ledger = await open();
    }
  }
  throw new Error('the sync never comes to its end');
}

/** Makes the target what is confirmed, as `verify-segment --repair` does: what an earlier repair left is ended first. */
async function repairOnce(ledger: Ledger, provider: Provider, segment: number, luck: Luck): Promise<boolean> {
  const ctx = contextOf(ledger, luck);
  const target = provider.target();
  const earlier = runningSync(ledger, segment);
  if (earlier && (await endRepair(ctx, target, earlier)).kind !== 'done') return false;
  const confirmed = new Set(membersIn(ledger, segment));
  const add = [...confirmed].filter((m) => !provider.there.has(m));
  const remove = [...provider.there].filter((m) => !confirmed.has(m));
  if (add.length + remove.length === 0) return true;
  const plan = { segmentId: segment, processingId: null, kind: 'repair', before: confirmed.size } as const;
  const counts = { listed: confirmed.size, toAdd: add.length, toRemove: remove.length, unchanged: 0 };
  const sync = beginSync(ledger, { ...plan, ...counts }, 'running', io.now());
  const changes = chunksOf([{ add, remove, unchanged: 0 }], target.maxBatchSize);
  const end = await applyChanges(ctx, sync, target, changes, { stays: (id) => confirmed.has(id) });
  if (end.kind === 'done') endSync(ledger, sync, io.now());
  return false;
}

async function repair(first: Ledger, provider: Provider, step: Step, segment: number): Promise<Ledger> {
  let ledger = first;
  const deaths = [...step.deaths];
  provider.troubles = [...step.troubles];
  provider.refused = provider.poison = new Set();
  for (let lives = 0; lives < 50; lives++) {
    try {
      if (await repairOnce(ledger, provider, segment, { death: deaths.shift(), impatient: step.impatient }))
        return ledger;
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
      await ledger.close();
      ledger = await open();
    }
  }
  throw new Error('the repair never comes to its end');
}

function membersIn(ledger: Ledger, segment: number): string[] {
  const confirmed = confirmedMembers(ledger, segment);
  return Array.from({ length: PARTS }, (_, n) => confirmed(n)).flat();
}

const segmentIn = (ledger: Ledger): number => findSegment(ledger, destinationId(ledger, identity), 'vip')?.id ?? 0;

/** Whom the target did not take, or nobody knows of, in the sync of a file. */
const notTaken = ({ db }: Ledger, processing: number): string[] =>
  db
    .prepare<[number], { hash: string }>(
      'SELECT hex(key_hash) AS hash FROM segment_refusals WHERE sync_id = (SELECT id FROM segment_syncs WHERE processing_id = ?)',
    )
    .all(processing)
    .map(({ hash }) => Buffer.from(hash, 'hex').toString());

const strict = { maxShrink: 0, maxGrowth: 0, unvouched: 'accept', adopt: false } as const;
const rules = { maxShrink: 1, maxGrowth: 1e9, unvouched: 'accept', adopt: false } as const;

const stepOf = fc.record<Step>({
  hasty: fc.boolean(),
  impatient: fc.boolean(),
  poison: fc.uniqueArray(fc.nat(15), { maxLength: 1 }),
  refused: fc.uniqueArray(fc.nat(15), { maxLength: 2 }),
  held: fc.boolean(),
  repaired: fc.boolean(),
  kind: fc.constantFrom('snapshot', 'changes'),
  members: fc.uniqueArray(fc.nat(15), { maxLength: 12 }),
  others: fc.uniqueArray(fc.nat(15), { maxLength: 6 }),
  troubles: fc.array(
    fc.constantFrom(
      'none',
      'refused for now',
      'no answer, not done',
      'no answer, done',
      'half',
      'dies before',
      'dies after',
    ),
    { maxLength: 6 },
  ),
  deaths: fc.array(
    fc.constantFrom('none', 'chunk-claimed', 'chunk-answered', 'chunk-settled', 'sync-begun', 'sync-ended'),
    {
      maxLength: 4,
    },
  ),
});

const plain: Step = {
  ...{ kind: 'snapshot', members: [], others: [], troubles: [], deaths: [], poison: [], refused: [] },
  ...{ hasty: false, held: false, impatient: false, repaired: false },
};
/** A remove that was made without anybody's knowing, and is given up later: the next file names the member again. */
const EXAMPLES = (['no answer, done', 'dies after'] as const).map((first): [Step[]] => {
  const troubles: Trouble[] = [first, ...Array.from({ length: 8 }, (): Trouble => 'refused for now')];
  return [
    [
      { ...plain, members: [1] },
      { ...plain, troubles, impatient: true },
      { ...plain, members: [1] },
    ],
  ];
});

it('any sequence of snapshots, changes, deaths and failures of the provider ends with what was wanted, and no member flaps', {
  timeout: timeFor(60_000),
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepOf, { minLength: 1, maxLength: 5 }), async (steps) => {
      let ledger = await fresh();
      const provider = new Provider();
      let desired = new Set<string>();
      // Whom a file named that was not taken, until a later one names them again.
      let astray = new Set<string>();
      try {
        // In the end, all that is wanted is said once more, and nothing goes wrong.
        for (const [i, step] of [...steps, undefined].entries()) {
          const before = desired;
          const members = step ? new Set(step.members.map(nameOf)) : desired;
          const others = new Set((step?.others ?? []).map(nameOf).filter((name) => !members.has(name)));
          const { kind, hasty, held } = step ?? plain;
          desired = kind === 'snapshot' ? members : new Set([...before, ...members].filter((m) => !others.has(m)));
          const [ins, outs] = [inParts(members), inParts(others)];
          const wanted: WantedMembers = {
            kind,
            listed: kind === 'snapshot' ? members.size : members.size + others.size,
            vouched: true,
            part: (n) => ({
              add: ins[n] ?? new Set(),
              remove: kind === 'snapshot' ? 'rest' : (outs[n] ?? new Set()),
            }),
          };
          if (step?.repaired && i > 0) {
            provider.wanted = { in: new Set(), out: new Set() };
            for (const member of [...provider.there].slice(0, 1)) provider.there.delete(member);
            provider.there.add('stranger');
            ledger = await repair(ledger, provider, step, segmentIn(ledger));
            expect([...provider.there].sort()).toEqual(membersIn(ledger, segmentIn(ledger)).sort());
          }
          const everybody = new Set([...before, ...desired]);
          provider.wanted = { in: desired, out: new Set([...everybody].filter((m) => !desired.has(m))) };
          const request = { name: 'VIP', wanted, processing: i + 1, rules, released: true };
          if (held) {
            provider.troubles = ['half'];
            provider.refused = provider.poison = new Set();
            const there = [...provider.there];
            const { kind: end } = await once(ledger, provider, { ...request, released: false, rules: strict });
            if (end === 'held') expect([...provider.there]).toEqual(there);
          }
          if (hasty) {
            provider.troubles = ['half', 'refused for now', 'refused for now'];
            provider.refused = provider.poison = new Set();
            const { kind: end } = await once(ledger, provider, request);
            if (end === 'open') {
              const other = await once(ledger, provider, { ...request, processing: 1000 });
              expect(other).toMatchObject({ kind: 'open', code: 'SEGMENT_BUSY' });
            }
          }
          const lived = await live(ledger, provider, step ?? plain, request);
          ledger = lived.ledger;
          expect(lived.end).toMatchObject({ kind: 'done' });
          expect(lived.end).not.toHaveProperty('imbalance');
          const no = notTaken(ledger, i + 1);
          if (!step) expect(no).toEqual([]);
          const named = (m: string): boolean => kind === 'snapshot' || members.has(m) || others.has(m);
          astray = new Set([...[...astray].filter((m) => !named(m)), ...no]);
          const sure = (all: Iterable<string>): string[] => [...all].filter((m) => !astray.has(m)).sort();
          expect(sure(provider.there)).toEqual(sure(desired));
          const segment = segmentIn(ledger);
          const all = membersIn(ledger, segment);
          expect(sure(all)).toEqual(sure(desired));
          // What is confirmed of somebody astray is true, or known to be in doubt.
          const doubted = [...doubtedMembers(ledger, segment).values()].flat();
          const known = (m: string): boolean => !doubted.includes(m);
          expect(all.filter(known).sort()).toEqual([...provider.there].filter(known).sort());
          expect(runningSync(ledger, segment)).toBeUndefined();
          expect(openChunks(ledger, segment).open()).toEqual([]);
        }
        expect(provider.flaps).toEqual([]);
        expect(doubtedMembers(ledger, segmentIn(ledger)).size).toBe(0);
      } finally {
        await ledger.close();
      }
    }),
    { ...runs(100), examples: [...EXAMPLES] },
  );
});
