import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { expireRows } from '../../src/ledger/age.ts';
import { type Claim, LINES, openBook, type Recorded } from '../../src/ledger/deliveries.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { rejectRows } from '../../src/ledger/reject.ts';
import { releaseRows } from '../../src/ledger/release.ts';
import { pickRow } from '../../src/ledger/resolve.ts';
import { beginSending } from '../../src/ledger/sweep.ts';
import type { Answer } from '../../src/model.ts';
import { lostToOwner } from '../../src/pipelines/files/ownership.ts';
import { Model, type ModelRow, type State } from './support/ledger-model.ts';
import { budget, runs, timeFor } from './support/runs.ts';

const OPENED_AT = 999_000_000_000;
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'referry-ledger-model-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'ledger.sqlite');

interface Real {
  ledger: Ledger;
  sending: Set<number>;
  seen: Set<string>;
}
type Command = fc.AsyncCommand<Model, Real>;

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest().subarray(0, 16);
/** What a row states follows from its place, so that it is the same each time it is read. Few keys, many claims. */
const factOf = (processing: number, line: number) => ({
  processing,
  line,
  key: `K${(processing * 5 + line * 3) % 4}`,
  content: `c${(processing + (line >> 1)) % 2}`,
});
const idOf = (row: Pick<ModelRow, 'processing' | 'line'>): number => row.processing * LINES + row.line;

async function open(now: number): Promise<Ledger> {
  return openLedger(path, 'command', { ...realIo(createLog('silent')), now: () => now });
}

async function fresh(): Promise<Real> {
  const ledger = await open(1);
  ledger.db.exec(`DELETE FROM attempts; DELETE FROM deliveries; DELETE FROM processings; DELETE FROM runs; DELETE FROM files;
    DELETE FROM event_names; DELETE FROM destinations; DELETE FROM definitions;
    INSERT INTO destinations (id, provider, account, container) VALUES (1, 'extole', 'acme', 'production');
    INSERT INTO event_names (id, destination_id, name) VALUES (1, 1, 'opened');
    INSERT INTO definitions (id, sha256, job, body, created_at) VALUES (1, 'd', 'j', '{}', 1);
    INSERT INTO runs (id, job, cause, state, started_at) VALUES (1, 'j', 'command', 'running', 1);`);
  for (const id of [1, 2, 3])
    ledger.db.exec(`INSERT INTO files (id, job, sha256, bytes, name, first_seen) VALUES (${id}, 'j', 's${id}', 1, 'f${id}.csv', 1);
      INSERT INTO processings (id, job, run_id, definition_id, destination_id, file_id, name, inbox_path, taken_path, size, mtime, state, opened_at)
      VALUES (${id}, 'j', 1, 1, 1, ${id}, 'f${id}.csv', 'i', 't', 1, 1, 'sealed', ${OPENED_AT});`);
  return { ledger, sending: new Set(), seen: new Set() };
}

/** After every command: each row as the model has it, one owner a key, one entry for each try that ended without a yes. */
function compare(model: Model, { ledger, seen }: Real): void {
  const found = ledger.db
    .prepare<[], { id: number; state: State; attempts: number; ended: number; event_id: string | null }>(
      'SELECT id, state, attempts, event_id, (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id) AS ended FROM deliveries d ORDER BY id',
    )
    .all();
  const expected = [...model.rows.values()].sort((a, b) => idOf(a) - idOf(b));
  expect(found.map(({ id, state, attempts, ended }) => [id, state, attempts, ended])).toEqual(
    expected.map((row) => [idOf(row), row.state, row.attempts, row.ended]),
  );
  for (const { id, state, event_id } of found) if (state === 'delivered') expect(event_id).toBe(`E${id}`);
  for (const { state } of found) seen.add(state);
}

function command(
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, real: Real) => void | Promise<void>,
): Command {
  return {
    check,
    toString: () => name,
    run: async (model, real) => {
      await run(model, real);
      compare(model, real);
    },
  };
}

const RETAKEN: readonly State[] = ['waiting', 'unknown', 'failed'];

/** One commit of a pass over a file: some of its rows ask for their keys. */
const claim = (processing: number, lines: readonly number[]) =>
  command(
    `claim ${processing}:${lines}`,
    () => true,
    (model, { ledger, sending }) => {
      if (!sending.has(processing)) {
        beginSending(ledger.db, processing, model.now);
        model.breakOff(processing);
        sending.add(processing);
      }
      const book = openBook(ledger, processing);
      const priors = book.range(processing, 0, 100);
      const facts = lines
        .map((line) => factOf(processing, line))
        .filter(({ line }) => RETAKEN.includes(priors.get(line)?.state ?? 'waiting'));
      const claims = facts.map(({ line, key, content }): Claim => {
        const prior = priors.get(line);
        return {
          line,
          eventNameId: 1,
          key,
          keyHash: hashOf(key),
          contentHash: hashOf(content),
          orderHash: null,
          ...(prior ? { prior } : {}),
        };
      });
      const results = book.commit([], [], claims, model.now);
      for (const [i, result] of results.entries()) {
        const [fact, asked] = [facts[i], claims[i]];
        if (!fact || !asked) throw new Error('more results than claims');
        const owner = model.claim(fact);
        if (result.kind === 'claimed') {
          expect(owner).toBeUndefined();
          expect(result.attempt).toBe(model.rows.get(`${fact.processing}:${fact.line}`)?.attempts);
          continue;
        }
        expect(owner && idOf(owner)).toBe(result.owner.id);
        const lost = lostToOwner(asked, result.owner, result.owner.contentHash.equals(asked.contentHash), processing);
        if (lost) book.commit([], [lost], [], model.now);
      }
    },
  );

const ANSWERS: Readonly<Record<string, { states: readonly Recorded['state'][]; answer: (id: number) => Answer }>> = {
  accepted: {
    states: ['delivered'],
    answer: (id) => ({ kind: 'accepted', proof: { kind: 'event_id', eventId: `E${id}` } }),
  },
  rejected: { states: ['rejected'], answer: () => ({ kind: 'rejected', code: 'no', reason: 'no' }) },
  retryable: {
    states: ['waiting', 'unknown', 'failed', 'held'],
    answer: () => ({ kind: 'retryable', code: 'later', reason: 'later' }),
  },
  unknown: { states: ['unknown', 'held'], answer: () => ({ kind: 'unknown', code: 'doubt', reason: 'doubt' }) },
};

const answer = (which: number, kind: string, choice: number) =>
  command(
    `answer ${which} ${kind} ${choice}`,
    (model) => model.in('claimed').length > 0,
    (model, { ledger }) => {
      const claimed = model.in('claimed');
      const row = claimed[which % claimed.length];
      const given = ANSWERS[kind];
      const state = given?.states[choice % given.states.length];
      if (!row || !given || !state) throw new Error('nothing to answer');
      const id = idOf(row);
      const record: Recorded = { id, attempt: row.attempts, state, answer: given.answer(id), code: 'c', reason: 'r' };
      const book = openBook(ledger, row.processing);
      book.commit([record], [], [], model.now);
      model.answer(row, state);
      // The same answer again, and one to an attempt that never was, change nothing.
      expect(() => book.commit([record], [], [], model.now)).toThrow('recorded before');
      expect(() => book.commit([{ ...record, attempt: row.attempts + 1 }], [], [], model.now)).toThrow(
        'recorded before',
      );
    },
  );

const crash = command(
  'crash and restart',
  () => true,
  async (model, real) => {
    await real.ledger.close();
    real.ledger = await open(model.now);
    real.sending.clear();
    model.breakOff();
  },
);

const zombie = (processing: number) =>
  command(
    `a process that lost the lock claims ${processing}`,
    () => true,
    ({ now }, { ledger }) => {
      const stale = openBook({ ...ledger, epoch: ledger.epoch - 1 }, processing);
      const { line, key, content } = factOf(processing, 50);
      expect(() =>
        stale.commit(
          [],
          [],
          [{ line, eventNameId: 1, key, keyHash: hashOf(key), contentHash: hashOf(content), orderHash: null }],
          now,
        ),
      ).toThrow();
    },
  );

const decide = (which: number, how: 'release' | 'reject' | 'pick') =>
  command(
    `${how} ${which}`,
    () => true,
    (model, { ledger }) => {
      const rows =
        how === 'release'
          ? model.in('held')
          : how === 'reject'
            ? model.in('held', 'failed', 'conflict')
            : model.in('conflict').filter(({ key }) => !model.owner(key));
      const row = rows[which % rows.length];
      if (!row) return;
      const place = {
        id: idOf(row),
        processingId: row.processing,
        line: row.line,
        key: row.key,
        state: row.state,
        code: '',
      };
      ledger.db
        .transaction(() => {
          if (how === 'release') releaseRows(ledger.db, [place], model.now);
          else if (how === 'reject') rejectRows(ledger.db, [place], 'because', model.now);
          else {
            const its = { line: row.line, contentHash: hashOf(row.content), orderHash: null };
            pickRow(
              ledger.db,
              { processingId: row.processing, eventNameId: 1, key: row.key, keyHash: hashOf(row.key), rows: [its] },
              row.line,
              model.now,
            );
          }
        })
        .immediate();
      Object.assign(row, { state: how === 'reject' ? 'rejected' : 'waiting', answeredAt: model.now });
    },
  );

const jump = (ms: number, failedMs: number, heldMs: number) =>
  command(
    `the clock jumps by ${ms}, limits ${failedMs} ${heldMs}`,
    () => true,
    (model, { ledger }) => {
      model.now += ms;
      expireRows(ledger, 'j', { failedMs, heldMs }, model.now);
      model.expire(OPENED_AT, failedMs, heldMs);
    },
  );

it(
  'the ledger does what a small model says, whatever is claimed, answered, decided and broken off in whatever order',
  async () => {
    const seen = new Set<string>();
    const over = budget(8000, 30);
    const small = fc.nat(7);
    const processing = fc.integer({ min: 1, max: 3 });
    const commands = fc.commands(
      [
        fc
          .tuple(processing, fc.uniqueArray(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 5 }))
          .map(([id, lines]) => claim(id, lines)),
        fc
          .tuple(processing, fc.uniqueArray(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 5 }))
          .map(([id, lines]) => claim(id, lines)),
        fc
          .tuple(small, fc.constantFrom(...Object.keys(ANSWERS)), small)
          .map(([which, kind, choice]) => answer(which, kind, choice)),
        fc
          .tuple(small, fc.constantFrom(...Object.keys(ANSWERS)), small)
          .map(([which, kind, choice]) => answer(which, kind, choice)),
        fc.constant(crash),
        processing.map(zombie),
        fc
          .tuple(small, fc.constantFrom('release' as const, 'reject' as const, 'pick' as const))
          .map(([which, how]) => decide(which, how)),
        fc
          .tuple(
            fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }),
            fc.integer({ min: 1, max: 2_000_000_000 }),
            fc.integer({ min: 1, max: 2_000_000_000 }),
          )
          .map(([ms, failed, held]) => jump(ms, failed, held)),
      ],
      { maxCommands: 40, size: '+1' },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        if (over()) return;
        const real = await fresh();
        try {
          await fc.asyncModelRun(() => ({ model: new Model(), real }), list);
        } finally {
          for (const state of real.seen) seen.add(state);
          await real.ledger.close();
        }
      }),
      runs(300),
    );
    if (over()) return;
    expect([...seen].sort()).toEqual([
      'claimed',
      'conflict',
      'delivered',
      'duplicate',
      'failed',
      'held',
      'rejected',
      'unknown',
      'waiting',
    ]);
  },
  timeFor(120_000),
);
