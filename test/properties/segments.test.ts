import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import { createLog, realIo } from '../../src/io.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { destinationId } from '../../src/ledger/registry.ts';
import { openChunks } from '../../src/ledger/segment-chunks.ts';
import { confirmedMembers } from '../../src/ledger/segment-members.ts';
import { runningSync } from '../../src/ledger/segment-syncs.ts';
import { ensureSegment, findSegment } from '../../src/ledger/segments.ts';
import type { Answer } from '../../src/model.ts';
import {
  carryOut,
  judgeSync,
  type SyncEnd,
  type SyncRequest,
  type WantedMembers,
} from '../../src/pipelines/sync-segment/sync.ts';
import { PARTS, partOf } from '../../src/segments/spool.ts';
import { runs, timeFor } from './support/runs.ts';

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'referry-segments-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'ledger.sqlite');

/** What happens to a call: before, or after the provider has made the changes. */
type Trouble =
  | 'none'
  | 'refused for now'
  | 'no answer, not done'
  | 'no answer, done'
  | 'half'
  | 'dies before'
  | 'dies after';
type Death = 'chunk-claimed' | 'chunk-answered' | 'chunk-settled' | 'sync-begun' | 'sync-ended';
interface Step {
  kind: 'snapshot' | 'changes';
  members: number[];
  others: number[];
  troubles: Trouble[];
  deaths: (Death | 'none')[];
  /** A later file comes up while this one is not through. */
  hasty: boolean;
}

class Dead extends Error {}

/** A provider that keeps a set. `flaps`: changes that nobody wanted at that time. */
class Provider {
  readonly there = new Set<string>();
  readonly flaps: string[] = [];
  wanted = { in: new Set<string>(), out: new Set<string>() };
  troubles: Trouble[] = [];

  target(): MembershipTarget {
    return {
      maxBatchSize: 3,
      concurrency: 2,
      identity: { provider: 'test', account: 'a', target: 't' },
      idKind: 'userId',
      prepare: async () => ({ targetId: 'L1' }),
      apply: async ({ add, remove }) => {
        const trouble = this.troubles.shift() ?? 'none';
        if (trouble === 'dies before') throw new Dead();
        const half = (n: number): number => (trouble === 'half' ? Math.floor(n / 2) : n);
        const done = trouble !== 'refused for now' && trouble !== 'no answer, not done';
        const [in_, out] = [add.slice(0, done ? half(add.length) : 0), remove.slice(0, done ? half(remove.length) : 0)];
        for (const member of in_) this.change(member, true);
        for (const member of out) this.change(member, false);
        if (trouble === 'dies after') throw new Dead();
        const yes: Answer = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'x' } };
        const no: Answer =
          trouble === 'refused for now'
            ? { kind: 'retryable', code: 'HTTP_429', reason: 'slow down' }
            : { kind: 'unknown', code: 'NO_ANSWER', reason: 'no answer' };
        const answer = (i: number, made: number): Answer => (trouble.startsWith('no answer') || i >= made ? no : yes);
        return { add: add.map((_, i) => answer(i, in_.length)), remove: remove.map((_, i) => answer(i, out.length)) };
      },
      close: async () => {},
    };
  }

  private change(member: string, to: boolean): void {
    const unwanted = to ? this.wanted.out : this.wanted.in;
    if (unwanted.has(member)) this.flaps.push(`${to ? 'added' : 'removed'} ${member}`);
    if (to) this.there.add(member);
    else this.there.delete(member);
  }
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
    "DELETE FROM segment_refusals; DELETE FROM segment_chunks; DELETE FROM segment_syncs; DELETE FROM segment_members; DELETE FROM segments; DELETE FROM sqlite_sequence WHERE name LIKE 'segment%'",
  );
  return ledger;
}

const io = { ...realIo(createLog('silent')), sleep: async () => {} };
const identity = { provider: 'test', account: 'a', container: 't' };
const nameOf = (n: number): string => `member-${n}`;

function inParts(members: ReadonlySet<string>): Set<string>[] {
  const parts = Array.from({ length: PARTS }, () => new Set<string>());
  for (const member of members) parts[partOf(member)]?.add(member);
  return parts;
}

type Request = Omit<SyncRequest, 'segment' | 'target'>;

async function once(ledger: Ledger, provider: Provider, request: Request, death = 'none'): Promise<SyncEnd> {
  const place = { destinationId: destinationId(ledger, identity), name: 'vip', job: 'j', idKind: 'userId' };
  const ctx = {
    ledger,
    io,
    signal: new AbortController().signal,
    hash: (member: string) => Buffer.from(member).toString('hex').slice(0, 32),
    maxAttempts: 2,
    backoffMs: () => 0,
    failedMaxAge: 1e12,
    scratch: folder,
    applied: () => {},
    crashPoint: (name: string) => {
      if (name === death) throw new Dead();
    },
  };
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
  for (let lives = 0; lives < 50; lives++) {
    try {
      const end = await once(ledger, provider, request, deaths.shift());
      if (end.kind === 'done' || end.kind === 'held') return { ledger, end };
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
      await ledger.close();
      ledger = await open();
    }
  }
  throw new Error('the sync never comes to its end');
}

const segmentIn = (ledger: Ledger): number => findSegment(ledger, destinationId(ledger, identity), 'vip')?.id ?? 0;

const rules = { maxShrink: 1, maxGrowth: 1e9, unvouched: 'accept', adopt: false } as const;

const stepOf = fc.record<Step>({
  hasty: fc.boolean(),
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

it('any sequence of snapshots, changes, deaths and failures of the provider ends with what was wanted, and no member flaps', {
  timeout: timeFor(60_000),
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepOf, { minLength: 1, maxLength: 5 }), async (steps) => {
      let ledger = await fresh();
      const provider = new Provider();
      let desired = new Set<string>();
      try {
        for (const [i, step] of steps.entries()) {
          const before = desired;
          const members = new Set(step.members.map(nameOf));
          const others = new Set(step.others.map(nameOf).filter((name) => !members.has(name)));
          desired = step.kind === 'snapshot' ? members : new Set([...before, ...members].filter((m) => !others.has(m)));
          const [ins, outs] = [inParts(members), inParts(others)];
          const wanted: WantedMembers = {
            kind: step.kind,
            listed: step.kind === 'snapshot' ? members.size : members.size + others.size,
            vouched: true,
            part: (n) => ({
              add: ins[n] ?? new Set(),
              remove: step.kind === 'snapshot' ? 'rest' : (outs[n] ?? new Set()),
            }),
          };
          const everybody = new Set([...before, ...desired]);
          provider.wanted = { in: desired, out: new Set([...everybody].filter((m) => !desired.has(m))) };
          const request = { name: 'VIP', wanted, processing: i + 1, rules, released: true };
          if (step.hasty) {
            provider.troubles = ['half', 'refused for now', 'refused for now'];
            const { kind } = await once(ledger, provider, request);
            if (kind === 'open') {
              const other = await once(ledger, provider, { ...request, processing: 1000 });
              expect(other).toMatchObject({ kind: 'open', code: 'SEGMENT_BUSY' });
            }
          }
          const lived = await live(ledger, provider, step, request);
          ledger = lived.ledger;
          expect(lived.end).toMatchObject({ kind: 'done' });
          expect(lived.end).not.toHaveProperty('imbalance');
          expect([...provider.there].sort()).toEqual([...desired].sort());
          const segment = segmentIn(ledger);
          const confirmed = confirmedMembers(ledger, segment);
          const all = Array.from({ length: PARTS }, (_, n) => confirmed(n)).flat();
          expect(all.sort()).toEqual([...desired].sort());
          expect(runningSync(ledger, segment)).toBeUndefined();
          expect(openChunks(ledger, segment).open()).toEqual([]);
        }
        expect(provider.flaps).toEqual([]);
      } finally {
        await ledger.close();
      }
    }),
    runs(100),
  );
});
