import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCli, until } from '../integration/support/e2e-cli.ts';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { findMarks } from './support/state-search.ts';

const ANNA = 'anna.canary@private.example';
const MARKS = [ANNA, ANNA.toUpperCase(), 'M-ANNA', 'Anna.Canary@Private.Example'];

interface Forgotten {
  done: boolean;
  staged: { removed: { name: string }[]; open: { name: string; why: string }[]; unread: object[]; leftovers: number };
  local: { results: { path: string; rows: number }[]; left: string[] };
  remote: { url: string; files: { name: string; resultsPath: string; archivedAs: string }[]; pruned: number }[];
  ledger: { cells: number; left: string[] };
}

/** Where the person's marks stand, but for a file of others whose addresses hold theirs. */
const marksIn = (folder: string, marks: readonly string[] = MARKS): string[] =>
  findMarks(folder, marks).filter((found) => !/(?:^|\/)p2\/|b\.csv/.test(found));

const annas = (id: string, email = ANNA) => row(id, { email, member: 'M-ANNA' });

describe('a person who asks to be forgotten', () => {
  let world: World;
  const forget = async (args: readonly string[] = ['--yes'], env = {}): Promise<{ code: number; told: Forgotten }> => {
    const result = await world.cli(['forget', ANNA, '--json', ...args], env);
    return { code: result.code ?? -1, told: JSON.parse(result.stdout) };
  };
  const staged = (): string[] => readdirSync(join(world.state, 'staging')).filter((name) => /^p\d/.test(name));

  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT });
    world.job('people', {
      source: { match: '*.txt' },
      event: { key: 'email', data: { cart_value: null } },
      file: { format: 'csv' },
      delivery: PATIENT,
    });
    world.extole.setFaults(({ body }) => (body.includes('"WAIT-0001"') ? { kind: 'status', status: 500 } : undefined));
    world.drop(
      'a.csv',
      csv([
        ...rows('A', 3),
        annas('ANNA-1'),
        annas('ANNA-2', 'Anna.Canary@Private.Example'),
        'x,anna.canary@private.example',
      ]),
      90,
    );
    world.drop('b.csv', csv([row('B-1'), row('B-2', { email: `jo${ANNA}` }), row('B-3', { email: `${ANNA}.au` })]), 80);
    world.drop(
      'q.csv',
      `id,email,member,at,amount,note\nQ-1,${ANNA},M-ANNA,${row('Q').at},1.00,"two\nlines, and\n9,delivered,x"\nQ-2,q@b.example,M-Q,${row('Q').at},2.00,other\n`,
      75,
    );
    world.drop('wait.csv', csv([...rows('WAIT', 1), annas('ANNA-W')]), 70);
    world.drop('keys.txt', csv([annas('K-1'), row('K-2')]), 60);
    expect((await world.run('feed')).code).toBe(3);
    expect((await world.run('people')).code).toBe(0);
    world.extole.setFaults(undefined);
    expect(marksIn(world.state, [ANNA]).sort()).toEqual([
      `ledger.sqlite: ${ANNA}`,
      ...[1, 3, 4, 5].map((n) => `staging/p${n}/input: ${ANNA}`),
    ]);
  });
  afterAll(() => world.close());

  it('is looked for first, and nothing is removed without --yes', async () => {
    const before = marksIn(world.root, MARKS);
    const { code, told } = await forget([]);
    expect([code, told.staged.removed.map(({ name }) => name)]).toEqual([3, ['a.csv', 'q.csv', 'keys.txt']]);
    expect(told.local.results.map(({ rows }) => rows).sort()).toEqual([1, 1, 1, 3]);
    expect(marksIn(world.root, MARKS)).toEqual(before);
    const said = await world.cli(['forget', ANNA]);
    expect(said.stdout).toContain('Nothing was removed. With --yes it is.');
    expect(said.stdout + said.stderr).not.toContain(ANNA);
    expect((await world.cli(['forget', 'anna', '--yes'])).code).toBe(2);
    expect((await world.cli(['forget', ANNA, '--yes', '--reason', `for ${ANNA}`])).code).toBe(2);
  });

  it('X20: is gone from staging, local results, reports and the ledger, though the process dies at every step', async () => {
    const gone = join(world.served, 'results');
    const names = readdirSync(gone);
    const others = names.map((name) =>
      readFileSync(join(gone, name), 'utf8')
        .split('\n')
        .filter((line) => /^\d+,\w+,.*[ABQ]-000|,B-|,Q-2/.test(line)),
    );
    // Of an earlier one that died while it wrote.
    const half = join(gone, '.a.csv.results.csv.forget.part');
    writeFileSync(half, `line,outcome\n2,delivered,,,,1,,ANNA-1,${ANNA}\n`);
    for (const point of ['staging-forgotten:1', 'results-forgotten:2'])
      expect((await world.cli(['forget', ANNA, '--yes'], { REFERRY_CRASH_AT: point })).signal).toBe('SIGKILL');
    const { code, told } = await forget(['--yes', '--reason', 'request 118']);
    expect(existsSync(half)).toBe(false);
    // One file has rows that wait for a person: it is not torn.
    expect([code, told.done, told.staged.open]).toEqual([
      3,
      false,
      [expect.objectContaining({ name: 'wait.csv', why: expect.stringContaining('referry held') })],
    ]);
    expect(marksIn(world.state)).toEqual([`staging/p4/input: ${ANNA}`, 'staging/p4/input: M-ANNA']);
    expect(staged()).toEqual(['p2', 'p4']);
    expect(marksIn(join(world.served, 'reports'), MARKS)).toEqual([]);
    // The archive is the partner's, on this machine or not: it is named, and left.
    const archive = join(world.served, 'archive');
    const theirs = readdirSync(archive).filter((name) => /^(?:a\.csv|q\.csv|wait\.csv|keys\.txt)\./.test(name));
    expect(theirs).toHaveLength(4);
    expect(told.local.left.toSorted()).toEqual(theirs.map((name) => join(archive, name)).sort());

    const lines = readFileSync(join(gone, 'a.csv.results.csv'), 'utf8').split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[4]).toMatch(/^5,delivered,,,\d+,1,[^,]+,\(forgotten\),,,,$/);
    expect(lines[6]).toMatch(/^7,rejected,COLUMN_COUNT,.*,\(forgotten\),,,,$/);
    const cells = readFileSync(join(gone, 'q.csv.results.csv'), 'utf8').split('\n');
    expect(cells[1]).toMatch(/^2,delivered,,,\d+,1,[^,]+,\(forgotten\),,,,,$/);
    expect(cells[2]).toMatch(/^5,delivered,.*,Q-2,/);
    const now = names.map((name) =>
      readFileSync(join(gone, name), 'utf8')
        .split('\n')
        .filter((line) => /^\d+,\w+,.*[ABQ]-000|,B-|,Q-2/.test(line)),
    );
    expect(now).toEqual(others);
    expect(marksIn(gone, MARKS)).toEqual([]);
    expect(readFileSync(join(gone, 'b.csv.results.csv'), 'utf8')).toContain(`,jo${ANNA},`);
  });

  it('is known by a hash still: nothing of them is sent again when the files come again', async () => {
    const sent = world.requests().length;
    world.drop('again.csv', csv([annas('ANNA-1'), row('N-1')]));
    world.drop('again.txt', csv([annas('K-1'), row('K-2')]));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 1, duplicate: 1 });
    expect((await world.run('people')).run).toMatchObject({ delivered: 0, duplicate: 2 });
    expect(world.requests()).toHaveLength(sent + 1);
    const told = await world.cli(['explain', ANNA, '--json']);
    expect(told.json()).toMatchObject({ found: true });
    expect(told.stdout).not.toContain('"key": "anna.canary@private.example",\n  "found": false');
  });

  it('is decided and kept with who and why, and not by name; through the daemon the request does not hold the address', async () => {
    const released = await world.cli([
      'reject',
      'wait.csv',
      '--code',
      'UNKNOWN_DELIVERY',
      '--reason',
      'looked up: it is not there',
    ]);
    expect(released.code, released.stderr).toBe(0);
    const daemon = world.start(['daemon']);
    await until('the daemon to be ready', () => (daemon.told().stderr.includes('referry: ready') ? true : undefined));
    const said = join(world.root, 'said');
    writeFileSync(said, `${ANNA}\n`);
    const args = ['forget', '-', '--yes', '--json', '--by', 'Dana', '--reason', 'request 118'];
    const asked = startCli(args, world.env, ['bash', '-c', `"$@" < '${said}'`, 'bash']);
    const result = await asked.done;
    expect([result.code, JSON.parse(result.stdout)]).toMatchObject([0, { done: true, staged: { open: [] } }]);
    daemon.kill('SIGTERM');
    const told = await daemon.done;
    expect(told.stderr).not.toContain(ANNA);
    expect(marksIn(world.state, MARKS)).toEqual([]);
    const db = new Database(world.ledger, { readonly: true });
    const decisions = db.prepare("SELECT decided_by, reason, scope, job FROM decisions WHERE verb = 'forget'").all();
    const requests = db.prepare("SELECT body, answer FROM requests WHERE verb = 'forget'").all();
    db.close();
    expect(decisions).toContainEqual(
      expect.objectContaining({ decided_by: 'Dana', reason: 'request 118', job: 'feed' }),
    );
    // Not even sealed: the key to it lies beside it, in the ledger and in each of its backups.
    expect(requests).toEqual([{ body: '{}', answer: expect.stringContaining('"done":true') }]);
    expect(JSON.stringify([decisions, requests]).toLowerCase()).not.toContain('anna');
    const again = await forget();
    expect([again.code, again.told.staged.removed, again.told.local.results, again.told.ledger.cells]).toEqual([
      0,
      [],
      [],
      0,
    ]);
    expect(existsSync(world.ledger)).toBe(true);
  });
});

it('on a server nothing is changed: what is there is named, with its path', async () => {
  const world = await openWorld({ remote: 'sftp' });
  try {
    world.job('feed', { delivery: PATIENT });
    world.drop('a.csv', csv([annas('A-1'), row('A-2')]));
    expect((await world.run('feed')).code).toBe(0);
    const results = readFileSync(join(world.served, 'results/a.csv.results.csv'), 'utf8');
    const told = await world.cli(['forget', ANNA, '--yes']);
    expect([told.code, told.stderr]).toEqual([0, expect.not.stringContaining(ANNA)]);
    expect(told.stdout).toMatch(/staged copy removed: a\.csv \(feed\)/);
    expect(told.stdout).toMatch(
      /sftp:\/\/partner@127\.0\.0\.1:\d+\/?: a\.csv, as \/?results\/a\.csv\.results\.csv and archive\/a\.csv\.\d{8}T/,
    );
    expect(told.stdout).not.toContain('a sandbox password');
    expect(readFileSync(join(world.served, 'results/a.csv.results.csv'), 'utf8')).toBe(results);
    expect(marksIn(world.state, MARKS)).toEqual([]);
    writeFileSync(join(world.jobs, 'gone.yaml'), '');
    const later = await world.cli(['forget', ANNA]);
    expect(later.stdout).toContain('the staged copies of 1 earlier file are gone; search archive and results there');
  } finally {
    await world.close();
  }
});
