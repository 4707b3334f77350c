import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExplainedRow, Explanation } from '../../src/commands/collect-explanation.ts';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { csv, row } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const KEYS = { plain: '007', retried: 'RETRIED-1', refused: 'REFUSED-1', odd: 'Cafe\u0301-1', held: 'HELD-1' };
const FIRST = 'openings-1.csv';

let world: World;
/** A file in which every kind of end occurs, its contents again under another name, and a file that asks for its keys. */
beforeAll(async () => {
  const seen = new Set<string>();
  world = await openWorld({
    faults: ({ body }) => {
      if (body.includes(KEYS.refused)) return { kind: 'status', status: 400, code: 'invalid_event' };
      if (body.includes(KEYS.held)) return 'resetpost';
      if (!body.includes(KEYS.retried) || seen.has(KEYS.retried)) return undefined;
      seen.add(KEYS.retried);
      return '429';
    },
  });
  world.job('openings', { source: { match: 'openings*.csv' } });
  const [plain, retried] = [row(KEYS.plain), row(KEYS.retried)];
  const contents = csv([
    plain,
    retried,
    row(KEYS.refused),
    row(KEYS.odd),
    row(KEYS.held),
    plain,
    row('TWICE', { amount: '1.00' }),
    row('TWICE', { amount: '2.00' }),
    row('REJECTED-1', { at: 'yesterday' }),
  ]);
  world.drop(FIRST, contents, 300);
  world.drop('openings-again.csv', contents, 200);
  world.drop('openings-2.csv', csv([plain, row(KEYS.retried, { amount: '9.99' })]), 100);
  const { code, run, stderr } = await world.run('openings');
  expect([code, run.balanced], stderr).toEqual([3, true]);
});
afterAll(() => world.close());

async function explain(key: string): Promise<{ code: number | undefined; found: Explanation }> {
  const { code, stdout, stderr } = await world.cli(['explain', '--json', '--', key]);
  expect(stdout, stderr).not.toBe('');
  return { code, found: JSON.parse(stdout) };
}

const brief = ({ file, line, outcome, owns }: ExplainedRow): string =>
  `${outcome}${owns ? ' owner' : ''} ${file.name}:${line}`;

describe('referry explain', () => {
  it('tells a delivered row with its proof, the same row further down, the file that came again and the one that repeats it', async () => {
    const { code, found } = await explain(` ${KEYS.plain} `);
    expect(code).toBe(0);
    expect(found.key).toBe('007');
    expect(found.rows.map(brief)).toEqual([
      `delivered owner ${FIRST}:2`,
      `duplicate ${FIRST}:7`,
      'duplicate openings-2.csv:2',
    ]);
    const [owner, inFile, later] = found.rows;
    expect(owner).toMatchObject({
      eventName: 'account_opened',
      destination: { provider: 'extole', account: 'acme', container: 'production' },
      proof: 'event_id',
      eventId: expect.stringMatching(/^\d+$/),
      attempts: [{ number: 1, result: 'ok', http: 200 }],
      file: { job: 'openings', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), staged: true },
      repeats: [{ name: 'openings-again.csv' }],
    });
    expect(readFileSync(owner?.file.resultsPath ?? '', 'utf8')).toContain(owner?.eventId ?? 'an id');
    expect(inFile).toMatchObject({ code: 'DUPLICATE_IN_FILE', reason: 'same as line 2', sameContentAsOwner: true });
    expect(later).toMatchObject({ code: 'DUPLICATE', sameContentAsOwner: true, attempts: [] });
  });

  it('tells each attempt with its answer, and the row that asked for the key with other content', async () => {
    const { found } = await explain(KEYS.retried);
    expect(found.rows.map(brief)).toEqual([`delivered owner ${FIRST}:3`, 'conflict openings-2.csv:3']);
    const [owner, other] = found.rows;
    expect(owner?.attempts).toMatchObject([
      { number: 1, result: 'fail', http: 429 },
      { number: 2, result: 'ok', http: 200 },
    ]);
    expect(other).toMatchObject({ code: 'CONFLICT', sameContentAsOwner: false });
  });

  it('tells a refusal with the reference that Extole gave it, and an answer that was lost', async () => {
    const refused = (await explain(KEYS.refused)).found.rows[0];
    expect(refused).toMatchObject({ outcome: 'rejected', owns: false, attempts: [{ result: 'fail', http: 400 }] });
    const held = (await explain(KEYS.held)).found.rows[0];
    expect(held).toMatchObject({ outcome: 'held', owns: true, attempts: [{ result: 'info', http: null }] });
  });

  it('finds a key in its other Unicode form, and rows in conflict that are in no delivery', async () => {
    expect((await explain('Caf\u00e9-1')).found.rows.map(brief)).toEqual([`delivered owner ${FIRST}:5`]);
    const { found } = await explain('TWICE');
    expect(found.rows.map(brief)).toEqual([`conflict ${FIRST}:8`, `conflict ${FIRST}:9`]);
    expect(found.rows[0]).toMatchObject({ code: 'CONFLICT_IN_FILE', sameContentAsOwner: null });
  });

  it('can be read aloud, and names nobody', async () => {
    const { stdout } = await world.cli(['explain', KEYS.retried]);
    expect(stdout).toContain(`Key ${KEYS.retried}\n2 rows with this key are known.`);
    expect(stdout).toContain('DELIVERED: account_opened to extole acme/production');
    expect(stdout).toContain(`row          line 3 of ${FIRST}, job openings`);
    expect(stdout).toMatch(/attempt 1 {4}claimed .* answered .*: not accepted \(HTTP 429/);
    expect(stdout).toMatch(/attempt 2 {4}claimed .* answered .*: accepted \(HTTP 200\)/);
    expect(stdout).toContain('nothing was sent, results');
    expect(stdout).toContain('different from that of the row that owns the key');
    expect(stdout).not.toContain('private.example');
  });

  it('says of an unknown key what that means, and of an impossible one why', async () => {
    const unknown = await world.cli(['explain', 'REJECTED-1']);
    expect(unknown.code).toBe(3);
    expect(unknown.stdout).toContain('its row was rejected in the check of its file');
    const { code, found } = await explain('1.23E+14');
    expect(code).toBe(3);
    expect(found.reason).toContain('KEY_SCIENTIFIC');
    const nothing = await world.cli(['explain', 'X', '--state', join(world.root, 'nowhere')]);
    expect(nothing.code).toBe(3);
    expect(nothing.stdout).toContain('there is no ledger yet');
  });

  it('explains out of a ledger that an older version made, and that nobody has migrated yet', async () => {
    const before = await explain(KEYS.plain);
    const db = new Database(world.ledger);
    const names = ['refusals', 'chunks', 'members', 'syncs'].map((name) => `segment_${name}`);
    for (const name of [...names, 'segments', 'push_rows', 'links']) db.exec(`DROP TABLE ${name}`);
    db.close();
    expect(await explain(KEYS.plain)).toEqual(before);
    expect((await world.cli(['status'])).stderr).not.toContain('no such table');
  });

  it('still says all of what was sent when the staged files are gone', async () => {
    const before = (await explain(KEYS.retried)).found.rows[0];
    rmSync(join(world.state, 'staging'), { recursive: true });
    const ledger = await openLedger(world.ledger, 'command', realIo(createLog('silent')));
    ledger.db.exec("UPDATE processings SET pruned_at = 1 WHERE state = 'closed'");
    await ledger.close();
    const { code, found } = await explain(KEYS.retried);
    expect(code).toBe(0);
    expect(found.rows[0]).toEqual({ ...before, file: { ...before?.file, staged: false }, repeats: expect.anything() });
    expect(found.rows.map(brief)).toEqual([`delivered owner ${FIRST}:3`, 'conflict openings-2.csv:3']);
    expect((await world.cli(['explain', KEYS.retried])).stdout).toContain('removed when its time was over');
  });
});
