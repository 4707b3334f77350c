import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { closeFolders, extoleFolders, FILE, HEADER, keys, NAME, resultsOf, row, taken } from './extole-folder-setup.ts';

afterEach(closeFolders);

const RESULTS = 'events/results/acme_events_20261121100000-results.csv';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('the results of a file', () => {
  test.each([
    ['status-message', 'status,message', 'SUCCESS,', 'FAILURE,"email is not an e-mail address"'],
    ['result-error-row', 'Result,"Error Message",Row', 'Success,,1', 'Error,"email is not an e-mail address",2'],
    ['success', 'success', 'true', 'false'],
  ] as const)('have the leading columns of layout %s', async (layout, names, good, bad) => {
    const lines = await resultsOf({ layout });
    expect(lines[0]).toBe(`${names},event_name,email,partner_conversion_id,event_time`);
    expect(lines[1]).toBe(`${good},account_opened,ann@example.com,A-1,2026-11-20T14:03:00Z`);
    expect(lines[2]).toBe(`${bad},account_opened,nobody,A-2,2026-11-20T14:03:00Z`);
  });

  test('may have columns that no layout foresees', async () => {
    const lines = await resultsOf({
      layout: { names: ['code'], cells: ({ ok, code }) => [ok ? 'OK' : code], metadata: (message) => [message] },
    });
    expect(lines.map((line) => line.split(',')[0])).toEqual(['code', 'OK', 'invalid_parameter', 'OK']);
  });

  test.each([
    ['reversed', ['A-3', 'A-2', 'A-1']],
    ['shuffled', ['A-3', 'A-1', 'A-2']],
  ] as const)('come %s', async (order, expected) => {
    const lines = await resultsOf({ order });
    expect(lines.slice(1).map((line) => /A-\d/.exec(line)?.[0])).toEqual(expected);
  });

  test('lack lines, or bring some later in a second file', async () => {
    const place = await extoleFolders({
      missing: ({ values }) => values.partner_conversion_id === 'A-1',
      late: ({ number }) => number === 3,
      lateAfterMs: 30,
    });
    place.put(`events/${NAME}`, FILE);
    await place.folder.look();
    expect(place.get(RESULTS).trimEnd().split('\n')).toHaveLength(2);
    await expect.poll(() => place.list('events/results')).toHaveLength(2);
    const second = place.get('events/results/acme_events_20261121100000-results-2.csv').trimEnd().split('\n');
    expect(second[0]).toMatch(/^status,message,event_name/);
    expect(second.slice(1)).toEqual(['SUCCESS,,account_opened,ann@example.com,A-3,2026-11-20T14:03:00Z']);
    expect(keys(place)).toEqual(['A-1', 'A-3']);
  });

  test('have lines too many', async () => {
    expect(await resultsOf({ surplus: 'twice' })).toHaveLength(7);
    expect((await resultsOf({ surplus: 'stranger' })).at(-1)).toMatch(/stranger-partner_conversion_id/);
  });

  test('refuse a row that the rules let through, with the words of the test', async () => {
    const place = await extoleFolders({
      refuseRow: ({ values }) =>
        values.partner_conversion_id === 'A-3' ? { code: 'x', message: 'Program is closed' } : undefined,
    });
    place.put(`events/${NAME}`, FILE);
    await place.folder.look();
    expect(place.get(RESULTS)).toMatch(/FAILURE,"Program is closed",account_opened,ann@example.com,A-3/);
    expect(keys(place)).toEqual(['A-1']);
  });

  test('say in one row, with or without a header, why a whole file failed', async () => {
    const refuseFile = (): string => 'Maintenance';
    expect(await resultsOf({ refuseFile })).toEqual(['status,message', 'FAILURE,Maintenance']);
    expect(await resultsOf({ refuseFile, metadataHeader: false })).toEqual(['FAILURE,Maintenance']);
    expect(await resultsOf({ refuseFile, layout: 'success' })).toEqual(['success', 'Maintenance']);
  });

  test('are quoted as Extole quotes: commas and what sorts below them, and what is long', async () => {
    const text =
      'email,company\nann@example.com,"A (Ltd)"\nben@example.com,"The \\"B\\", Ltd"\nann-with-a-long-name@example.com,C\n';
    expect((await resultsOf({}, text)).slice(1)).toEqual([
      'SUCCESS,,ann@example.com,"A (Ltd)"',
      'SUCCESS,,ben@example.com,"The ""B"", Ltd"',
      'SUCCESS,,"ann-with-a-long-name@example.com",C',
    ]);
    expect((await resultsOf({ resultsQuotes: 'backslash' }, text))[2]).toBe(
      'SUCCESS,,ben@example.com,"The \\"B\\", Ltd"',
    );
  });

  test('appear late, half written, under a name that nobody expects, in the root, or never', async () => {
    const place = await extoleFolders({ halfWrittenMs: 400, resultsAfterMs: 400 });
    place.put(`events/${NAME}`, FILE);
    const looking = place.folder.look();
    await expect.poll(() => place.list('events/archive')).toEqual([NAME]);
    expect(place.list('events/results')).toEqual([]);
    await expect.poll(() => place.list('events/results')).toHaveLength(1);
    const size = (): number => statSync(join(place.root, RESULTS)).size;
    await expect.poll(size).toBeGreaterThan(0);
    const half = size();
    await looking;
    const whole = statSync(join(place.root, RESULTS)).size;
    expect(half).toBe(Math.floor(whole / 2));

    Object.assign(place.folder.behaviour, {
      halfWrittenMs: 0,
      resultsAfterMs: 0,
      place: 'root',
      resultsName: () => 'out-1.csv',
    });
    place.put('events/second.csv', FILE);
    await place.folder.look();
    expect([place.list('results'), place.list('archive')]).toEqual([['out-1.csv'], ['second.csv']]);

    place.folder.behaviour.silent = true;
    place.put('events/third.csv', FILE);
    await place.folder.look();
    expect([place.list('results'), place.list('archive')]).toEqual([['out-1.csv'], ['second.csv', 'third.csv']]);
    expect(taken(place)).toHaveLength(6);
  });
});

describe('the folder', () => {
  test('asleep takes nothing; slow leaves a file where it is for a while', async () => {
    const place = await extoleFolders({ asleep: true });
    place.put(`events/${NAME}`, FILE);
    await place.folder.look();
    expect(place.folder.taken).toEqual([]);
    Object.assign(place.folder.behaviour, { asleep: false, slowMs: 300 });
    const looking = place.folder.look();
    await pause(40);
    expect(existsSync(join(place.root, 'events', NAME))).toBe(true);
    await looking;
    expect(place.list('events/archive')).toEqual([NAME]);
  });

  test('hasty takes what is there, however little', async () => {
    const place = await extoleFolders({ hasty: true });
    place.put(`events/${NAME}`, HEADER + row('A-1').slice(0, 20));
    await place.folder.look();
    writeFileSync(join(place.root, 'events', NAME), FILE);
    await place.folder.look();
    expect(place.folder.taken).toMatchObject([
      { rows: 1, accepted: 0 },
      { refusal: expect.stringMatching(/^Duplicate file/) },
    ]);
  });

  test('keeps in its log what it took', async () => {
    const place = await extoleFolders({ refuseFile: () => 'Maintenance' });
    place.put(`events/${NAME}`, FILE);
    await place.folder.look();
    expect(JSON.parse(readFileSync(place.log, 'utf8'))).toMatchObject({
      folder: '/events',
      name: NAME,
      bytes: FILE.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      rows: 0,
      accepted: 0,
      refusal: 'Maintenance',
    });
  });

  test('of an audience takes e-mails for that audience', async () => {
    const place = await extoleFolders();

    mkdirSync(join(place.root, 'audiences/42/replace'), { recursive: true });
    place.put('audiences/42/replace/audience_20261121.csv', 'email,tier\nann@example.com,gold\n,none\n');
    await place.folder.look();
    expect(taken(place).map(({ body }) => body)).toMatchObject([
      { event_name: 'audience_replace', data: { email: 'ann@example.com', tier: 'gold', audience_id: '42' } },
    ]);
    expect(place.list('audiences/42/replace')).toEqual(['archive', 'results']);
  });
});
