import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { recordDedupeProof } from '../../src/ledger/dedupe-proofs.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { runPipeline } from '../../src/pipelines/run-pipeline.ts';
import type { FaultName } from '../../src/sandbox/extole/faults.ts';
import { readJob } from '../../src/schedule/jobs.ts';
import { readResults } from '../integration/support/e2e-results.ts';
import { AT, HEADER } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { contentOf, expectedOf, type Feed, type FeedRow, feed, filesOf } from './support/feed.ts';
import { budget, runs, timeFor } from './support/runs.ts';

/** Answers that leave doubt or ask for patience; whatever they are, nothing is lost and nothing told twice. */
const TROUBLE: readonly FaultName[] = [
  '429',
  '500pre',
  '500post',
  'resetpre',
  'resetpost',
  'cut-body',
  'badjson-pre',
  'badjson-post',
  'html-post',
];

let world: World;
beforeAll(async () => {
  // Whole runs by the hundred: in memory where there is such a folder, since nothing here is about the disk.
  if (existsSync('/dev/shm')) vi.stubEnv('TMPDIR', '/dev/shm');
  world = await openWorld({ extole: { keep: true } });
  for (const onConflict of ['refuse', 'first-wins'])
    world.job(onConflict, {
      onConflict,
      file: { maxRejected: 1, sharedKey: 1 },
      event: { key: { from: 'id', width: 'accept', rounded: 'accept' } },
      delivery: {
        ...PATIENT,
        maxAttempts: 100,
        maxAmbiguous: 100,
        backoff: { first: '1ms', cap: '4ms' },
      },
      source: { match: `${onConflict}-*.csv` },
    });
  // As `verify-dedupe` would: what leaves a doubt is sent again, and a clear no to it is a no to each try before.
  const io = { ...realIo(createLog('silent')), env: world.env };
  const { account, container } = (await readJob(world.jobs, 'refuse', io.env)).destination.extole;
  const ledger = await openLedger(world.ledger, 'command', io);
  recordDedupeProof(
    ledger,
    { provider: 'extole', account, container },
    { eventName: 'account_opened', withinEvent: 'drops', acrossEvents: 'keeps', evidence: 'a test', provenAt: 0 },
  );
  await ledger.close();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await world.close();
});

let cases = 0;

/** A case has keys of its own, so that all of them can share a ledger. */
const keyOf = (number: number, row: FeedRow): string => `C${number}-K${row.key}`;

function csvOf(number: number, rows: readonly FeedRow[]): string {
  const lines = rows.map((row) => {
    const email = `${row.kind === 'refused' ? 'refused' : 'person'}${row.key % 3}@private.example`;
    const amount = row.kind === 'bad' ? 'much' : `${row.content + 1}.50`;
    return [keyOf(number, row), email, `M-${number}-${row.key % 3}`, AT, amount].join(',');
  });
  return `${[HEADER, ...lines].join('\n')}\n`;
}

interface Case {
  feed: Feed;
  job: 'refuse' | 'first-wins';
  /** Which answers go wrong, in turn; beyond the last, none does. */
  trouble: (FaultName | undefined)[];
  /** After how many steps a run breaks off; beyond the last, none does. */
  crashes: number[];
}

/** Plays a feed through the program, until each run came to its end, and compares everything with what must be. */
async function play({ feed: given, job: id, trouble, crashes }: Case): Promise<void> {
  const number = cases++;
  const io = { ...realIo(createLog('silent')), env: world.env };
  const job = await readJob(world.jobs, id, io.env);
  const files = filesOf(given);
  const { outcomes, accepted } = expectedOf(given, id === 'first-wins');
  const answers = [...trouble];
  const breaks = [...crashes];
  world.extole.setFaults(({ body }) => {
    if (body.includes('"refused')) return { kind: 'status', status: 400, code: 'invalid_value', message: 'no' };
    return answers.shift();
  });
  const from = world.extole.received.length;
  const acknowledged: { key: string; at: number }[] = [];
  for (const [run] of given.entries()) {
    for (const [i, { rows, run: its }] of files.entries())
      if (its === run) world.drop(`${id}-${number}-${i}.csv`, csvOf(number, rows), 10_000 - i);
    for (let ended = false; !ended; ) {
      const ledger = await openLedger(world.ledger, 'command', io);
      let steps = breaks.shift() ?? Number.POSITIVE_INFINITY;
      const crashPoint = (): void => {
        if (--steps === 0) throw new Error('broken off here');
      };
      try {
        const { account } = await runPipeline({
          job,
          ledger,
          io,
          signal: new AbortController().signal,
          state: world.state,
          cause: 'command',
          drainMs: 1,
          crashPoint,
        });
        ended = true;
        expect(account.halted).toBeUndefined();
        expect(account.balanced).toBe(true);
        for (const file of account.files)
          expect([file.name, file.state, file.balanced, file.counts.open]).toEqual([file.name, 'processed', true, 0]);
      } catch (error) {
        if (!(error instanceof Error && error.message === 'broken off here')) throw error;
      } finally {
        const delivered = ledger.db
          .prepare<[string], { key: string }>("SELECT key FROM deliveries WHERE state = 'delivered' AND key LIKE ?")
          .all(`C${number}-%`);
        acknowledged.push(...delivered.map(({ key }) => ({ key, at: world.extole.received.length })));
        await ledger.close();
      }
    }
  }
  for (const [i, { rows }] of files.entries()) {
    const results = readResults(world.read(`results/${id}-${number}-${i}.csv.results.csv`));
    expect(results.map(({ line, outcome }) => `${line} ${outcome}`)).toEqual(
      (outcomes[i] ?? []).map((outcome, at) => `${at + 2} ${outcome}`),
    );
    expect(results.map(({ input }) => input)).toEqual(csvOf(number, rows).trimEnd().split('\n').slice(1));
  }
  const received = world.extole.received.slice(from);
  const told = received.filter((request) => request.accepted).map(({ body }) => JSON.parse(JSON.stringify(body)));
  const rows = new Map(
    files
      .flatMap((each) => each.rows)
      .map((row) => [
        `${keyOf(number, row)} ${row.kind === 'refused' ? 'refused' : 'person'} ${row.content + 1}.50`,
        `${row.key} ${contentOf(row)}`,
      ]),
  );
  const facts = told.map(({ data }) =>
    rows.get(
      `${data.partner_conversion_id} ${String(data.email).startsWith('refused') ? 'refused' : 'person'} ${data.cart_value}`,
    ),
  );
  expect(new Set(facts)).toEqual(accepted);
  for (const { key, at } of acknowledged)
    expect(world.extole.received.slice(at).filter(({ body }) => JSON.stringify(body).includes(`"${key}"`))).toEqual([]);
}

const job = fc.constantFrom('refuse' as const, 'first-wins' as const);

it(
  'any interleaving of good, bad, refused, equal and contradicting rows over files ends as worked out from the input alone',
  async () => {
    const over = budget(8000, 8);
    await fc.assert(
      fc.asyncProperty(
        feed,
        job,
        async (given, id) => over() || play({ feed: given, job: id, trouble: [], crashes: [] }),
      ),
      runs(300),
    );
  },
  timeFor(120_000),
);

it(
  'the same where answers go wrong and runs break off anywhere: nothing lost, nothing acknowledged sent again',
  async () => {
    const trouble = fc.array(fc.option(fc.constantFrom(...TROUBLE), { nil: undefined }), { maxLength: 25 });
    const crashes = fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 5 });
    const over = budget(8000, 8);
    await fc.assert(
      fc.asyncProperty(
        feed,
        job,
        trouble,
        crashes,
        async (given, id, answers, breaks) =>
          over() || play({ feed: given, job: id, trouble: answers, crashes: breaks }),
      ),
      runs(300),
    );
  },
  timeFor(120_000),
);

it(
  'split, put together or shuffled, the same rows are accepted; and once they are, nothing leaves again',
  async () => {
    const facts = fc.uniqueArray(
      fc.record({
        key: fc.nat(9),
        content: fc.nat(2),
        kind: fc.constantFrom('good' as const, 'good' as const, 'refused' as const),
      }),
      { selector: ({ key }) => key, minLength: 1 },
    );
    const arrangement = facts.chain((list) =>
      fc
        .tuple(
          fc.shuffledSubarray([...list, ...list], { minLength: list.length }),
          fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        )
        .map(([some, sizes]) => {
          const rows = [...some, ...list];
          const files: { rows: FeedRow[] }[] = [];
          for (let i = 0; rows.length > 0; i++) files.push({ rows: rows.splice(0, sizes[i % sizes.length]) });
          return { list, files };
        }),
    );
    const over = budget(5000, 5);
    await fc.assert(
      fc.asyncProperty(arrangement, async ({ list, files }) => {
        if (over()) return;
        const last = files.map(({ rows }) => ({ rows: [...rows] }));
        const given: Feed = [files, last];
        const { accepted } = expectedOf(given, false);
        expect(accepted).toEqual(
          new Set(list.filter(({ kind }) => kind === 'good').map((row) => `${row.key} ${contentOf(row)}`)),
        );
        const before = world.extole.received.length;
        await play({ feed: [files], job: 'refuse', trouble: [], crashes: [] });
        expect(world.extole.received.length).toBeGreaterThan(before);
        await play({ feed: given, job: 'refuse', trouble: [], crashes: [] });
      }),
      runs(300),
    );
  },
  timeFor(120_000),
);
