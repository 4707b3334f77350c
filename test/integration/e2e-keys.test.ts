import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { AT, csv, dataOf, HEADER, lineOf, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('who owns a key', () => {
  let world: World;
  afterEach(() => world.close());
  const keysSent = (): string[] => world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');
  const results = (name: string) => readResults(world.read(`results/${name}`));

  it('I36, I37: within a file, across files, and for rows that were rejected before', async () => {
    world = await openWorld();
    world.job('feed', { file: { maxRejected: 1 } });
    const [a, b, c, d] = [row('K-A'), row('K-B'), row('K-C'), row('K-D')];
    const badC = { ...c, email: 'not an address' };
    world.drop('one.csv', csv([a, a, { ...a, amount: '1.00' }, b, b, badC, d, { ...d, amount: '7.00' }, d]), 100);
    world.drop('two.csv', csv([{ ...b, amount: '2.00' }, c, a]), 50);
    world.drop('three.csv', csv([{ ...b, email: b.email.toUpperCase(), amount: b.amount.replace('.50', '.5') }]), 40);
    const { code, run, stdout } = await world.run('feed');
    expect(code, stdout).toBe(3);

    // A, A, B: all three conflict, and nothing leaves until a person has picked one.
    expect(fates(results('one.csv.results.csv'))).toEqual([
      '2 conflict CONFLICT_IN_FILE',
      '3 conflict CONFLICT_IN_FILE',
      '4 conflict CONFLICT_IN_FILE',
      '5 delivered',
      '6 duplicate DUPLICATE_IN_FILE',
      '7 rejected EMAIL_INVALID',
      '8 conflict CONFLICT_IN_FILE',
      '9 conflict CONFLICT_IN_FILE',
      '10 conflict CONFLICT_IN_FILE',
    ]);
    // A corrected row takes the key of a rejected one, and the picked line that of a conflict.
    expect(fates(results('two.csv.results.csv'))).toEqual(['2 conflict CONFLICT', '3 delivered', '4 delivered']);
    // Written in another way, it is the same.
    expect(fates(results('three.csv.results.csv'))).toEqual(['2 duplicate DUPLICATE']);
    expect(results('two.csv.results.csv')[0]?.reason).toContain('line 5 of one.csv');
    expect(keysSent().sort()).toEqual(['K-A', 'K-B', 'K-C']);
    expect(run).toMatchObject({ read: 13, delivered: 3, duplicate: 2, conflict: 7, rejected: 1, balanced: true });
    expect(run.files.map((file) => file.balanced)).toEqual([true, true, true]);
  });

  it('onConflict: first-wins sends the first and says of the others why they were not sent', async () => {
    world = await openWorld();
    world.job('feed', { onConflict: 'first-wins' });
    const a = row('K-A');
    world.drop('one.csv', csv([a, { ...a, amount: '1.00' }, a]));
    expect((await world.run('feed')).code).toBe(3);
    expect(fates(results('one.csv.results.csv'))).toEqual([
      '2 delivered',
      '3 conflict CONFLICT_IN_FILE',
      '4 duplicate DUPLICATE_IN_FILE',
    ]);
    expect(world.requests().map(({ body }) => body.data)).toEqual([dataOf(a)]);
  });

  it('a re-ordered or added column is no conflict: the owner is compared under its own definition', async () => {
    world = await openWorld();
    world.job('feed');
    const list = rows('A', 4);
    world.drop('day-1.csv', csv(list));
    await world.run('feed');

    // The partner re-orders and adds columns, and the job maps one more of them.
    world.job('feed', { event: { data: { branch: 'branch' } } });
    const wide = (amount?: string) =>
      [
        'branch,amount,at,member,email,id',
        ...list.map((each, i) => `B${i},${amount ?? each.amount},${each.at},${each.member},${each.email},${each.id}`),
        `B9,3.00,${AT},M-9,nine@private.example,A-0009`,
      ].join('\n');
    world.drop('day-2.csv', `${wide()}\n`);
    const { code, run } = await world.run('feed');
    expect(fates(results('day-2.csv.results.csv'))).toEqual([
      '2 duplicate DUPLICATE',
      '3 duplicate DUPLICATE',
      '4 duplicate DUPLICATE',
      '5 duplicate DUPLICATE',
      '6 delivered',
    ]);
    expect(code).toBe(0);
    expect(run.delivered).toBe(1);

    // Under the new definition the new column counts; under the old one it still does not.
    world.drop('day-3.csv', `${wide().replace('B0,', 'B7,').replace('B9,', 'B8,')}\n`);
    const third = await world.run('feed');
    expect(fates(results('day-3.csv.results.csv'))).toEqual([
      '2 duplicate DUPLICATE',
      '3 duplicate DUPLICATE',
      '4 duplicate DUPLICATE',
      '5 duplicate DUPLICATE',
      '6 conflict CONFLICT',
    ]);
    expect(third.code).toBe(3);
    world.drop('day-4.csv', `${wide('5.55')}\n`);
    await world.run('feed');
    expect(fates(results('day-4.csv.results.csv')).filter((fate) => fate.includes('CONFLICT'))).toHaveLength(4);
    expect(keysSent()).toHaveLength(5);
  });

  it('I38: the same contents again send nothing, whatever they are called and however they are packed; new contents do', async () => {
    world = await openWorld();
    world.job('feed', { source: { match: '*.csv*' } });
    const { gzipSync } = await import('node:zlib');
    const text = csv([...rows('A', 6), 'torn', { ...row('A-0001'), amount: '9.99' }]);
    world.drop('day.csv', text);
    const first = await world.run('feed');
    expect(first.run).toMatchObject({ delivered: 5, conflict: 2, rejected: 1 });
    const before = world.read('results/day.csv.results.csv');

    world.drop('day.csv', text, 90);
    world.drop('other-name.csv', text, 80);
    world.drop('packed.csv.gz', gzipSync(text), 70);
    world.drop('day-2.csv', csv([...rows('A', 6).slice(1), ...rows('B', 2)]), 60);
    const { run } = await world.run('feed');
    expect(
      run.files.map(({ path, delivered, duplicate, conflict, rejected }) => [
        path,
        delivered,
        duplicate,
        conflict,
        rejected,
      ]),
    ).toEqual([
      ['day.csv', 0, 5, 2, 1],
      ['other-name.csv', 0, 5, 2, 1],
      ['packed.csv.gz', 0, 5, 2, 1],
      ['day-2.csv', 2, 5, 0, 0],
    ]);
    expect(keysSent()).toEqual([...rows('A', 6).slice(1), ...rows('B', 2)].map(({ id }) => id));
    // The partner's first results stand; what came again has results beside them.
    expect(world.read('results/day.csv.results.csv').equals(before)).toBe(true);
    const shas = new Set(run.files.slice(0, 3).map(({ sha256 }) => sha256));
    expect(shas.size).toBe(1);
    const again = readResults(world.read(`results/${run.files[0]?.resultsPath?.split('/').at(-1)}`));
    expect(again.map(({ input }) => input)).toEqual(readResults(before).map(({ input }) => input));
    expect(again.map(({ code, outcome, reason }) => (outcome === 'duplicate' ? code : reason)).slice(-3)).toEqual([
      'DUPLICATE',
      ...readResults(before)
        .slice(-2)
        .map(({ reason }) => reason),
    ]);

    // The same name with new contents is a new file.
    world.drop('day.csv', csv(rows('C', 2)));
    const renewed = await world.run('feed');
    expect(renewed.run).toMatchObject({ delivered: 2, duplicate: 0 });
  });

  it('a file whose rows are mostly refused, or whose key tells no facts apart, is held as a whole and sends nothing', async () => {
    world = await openWorld();
    world.job('feed');
    const bad = Array.from({ length: 6 }, (_, i) => lineOf(row(`X-${i}`, { email: 'nobody' })));
    world.drop('refused-rows.csv', csv([...rows('G', 5), ...bad]), 90);
    const city = Array.from({ length: 40 }, (_, i) => row(`P-${i}`)).map((each, i) => ({ ...each, id: `10${i % 3}` }));
    world.drop('shared-key.csv', csv(city), 80);
    world.drop('good.csv', csv(rows('G', 5)), 70);
    const { code, run } = await world.run('feed');
    expect(code).toBe(3);
    expect(run.files.map(({ path, state, code: why }) => `${path} ${state} ${why ?? ''}`)).toEqual([
      'refused-rows.csv held TOO_MANY_REJECTED',
      expect.stringMatching(/^shared-key\.csv held KEY_/),
      'good.csv processed ',
    ]);
    expect(run).toMatchObject({ held: 5, conflict: 40, rejected: 6, delivered: 5, balanced: true });
    expect(keysSent()).toEqual(rows('G', 5).map(({ id }) => id));
    expect(fates(results('refused-rows.csv.results.csv')).slice(4, 6)).toEqual([
      '6 held TOO_MANY_REJECTED',
      '7 rejected EMAIL_INVALID',
    ]);
    // Under a job that allows it, the same contents are judged anew.
    world.job('feed', { file: { maxRejected: 1 } });
    world.drop('refused-rows.csv', csv([...rows('G', 5), ...bad]));
    const { run: again } = await world.run('feed');
    expect(again).toMatchObject({ duplicate: 5, rejected: 6, held: 0 });
  });

  it('I35: keys are text: leading zeros, long digits, 38 characters; the 39th is refused, nothing is cut', async () => {
    world = await openWorld();
    world.job('feed');
    const long = 'x'.repeat(38);
    const emoji = '🧾'.repeat(38);
    const good = ['007', '7', '9007199254740993', '9007199254740992', '1E5', long, emoji, ' padded '];
    const bad = [`${long}y`, `${emoji}y`, '', '   ', '1.23E+14', 'N/A', 'null', 'x'.repeat(1000)];
    const list = [...good, ...bad].map((id, i) => ({ ...row(`m${i}`), id }));
    world.drop('ids.csv', `${HEADER}\n${list.map(lineOf).join('\n')}\n`);
    await world.run('feed');
    expect(fates(results('ids.csv.results.csv'))).toEqual([
      ...good.map((_, i) => `${i + 2} delivered`),
      '10 rejected KEY_TOO_LONG',
      '11 rejected KEY_TOO_LONG',
      '12 rejected KEY_MISSING',
      '13 rejected KEY_MISSING',
      '14 rejected KEY_SCIENTIFIC',
      '15 rejected KEY_PLACEHOLDER',
      '16 rejected KEY_PLACEHOLDER',
      '17 rejected KEY_TOO_LONG',
    ]);
    expect(new Set(keysSent())).toEqual(new Set(good.map((id) => id.trim())));
  });
});
