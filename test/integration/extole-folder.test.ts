import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { watchExtoleFolder } from '../../src/sandbox/extole/sftp-folder.ts';
import {
  closeFolders,
  closeLater,
  extoleFolders,
  FILE,
  HEADER,
  keys,
  NAME,
  resultsOf,
  row,
  taken,
} from './extole-folder-setup.ts';
import { io } from './extole-setup.ts';

afterEach(closeFolders);

describe("Extole's folders", () => {
  test('a file is archived, and each row has a line in the results, with its own columns behind those of Extole', async () => {
    const place = await extoleFolders();
    place.put(`events/${NAME}`, `${FILE}${row('A-1')}`);
    await place.folder.look();
    expect(place.list('events')).toEqual(['archive', 'results']);
    expect(place.list('events/archive')).toEqual([NAME]);
    expect(place.get('events/results/acme_events_20261121100000-results.csv').split('\n')).toEqual([
      'status,message,event_name,email,partner_conversion_id,event_time',
      'SUCCESS,,account_opened,ann@example.com,A-1,2026-11-20T14:03:00Z',
      'FAILURE,"email is not an e-mail address",account_opened,nobody,A-2,2026-11-20T14:03:00Z',
      'SUCCESS,,account_opened,ann@example.com,A-3,2026-11-20T14:03:00Z',
      'SUCCESS,,account_opened,ann@example.com,A-1,2026-11-20T14:03:00Z',
      '',
    ]);
    expect(taken(place)).toMatchObject([
      { path: `sftp:/events/${NAME}#1`, accepted: true, duplicate: false },
      { path: `sftp:/events/${NAME}#3`, accepted: true, duplicate: false },
      { path: `sftp:/events/${NAME}#4`, accepted: true, duplicate: true },
    ]);
    expect(taken(place)[0]?.body).toEqual({
      event_name: 'account_opened',
      event_time: '2026-11-20T14:03:00Z',
      data: { email: 'ann@example.com', partner_conversion_id: 'A-1' },
    });
    expect(JSON.parse(readFileSync(place.log, 'utf8'))).toMatchObject({
      folder: '/events',
      name: NAME,
      rows: 4,
      accepted: 3,
    });
  });

  test('the account knows a key again whichever way it came', async () => {
    const place = await extoleFolders();
    place.put(`events/${NAME}`, FILE);
    await place.folder.look();
    place.put('events/acme_events_20261122100000.psv', FILE.replaceAll(',', '|'));
    await place.folder.look();
    expect(taken(place).map(({ duplicate }) => duplicate)).toEqual([false, false, true, true]);
    expect(place.extole.stats()).toMatchObject({ accepted: 4, duplicates: 2, distinctKeys: 2 });
  });

  test.each([
    ['a folder nobody watches', 'dropbox/a.csv'],
    ['the root', 'a.csv'],
    ['another ending', 'events/a.csv.tmp'],
    ['an ending in capitals', 'events/a.CSV'],
    ['an audience without a change', 'audiences/a.csv'],
  ])('%s: a file is left where it is, without a word', async (_what, path) => {
    const place = await extoleFolders();
    place.put(path, FILE);
    await place.folder.look();
    expect(existsSync(join(place.root, path))).toBe(true);
    expect(place.folder.taken).toEqual([]);
    expect(taken(place)).toEqual([]);
  });

  test('a file that still grows is not taken', async () => {
    const place = await extoleFolders();
    place.put(`events/${NAME}`, HEADER);
    const growing = place.folder.look();
    place.put(`events/${NAME}`, FILE);
    await growing;
    expect(place.folder.taken.map(({ rows }) => rows)).not.toEqual([0]);
    await place.folder.look();
    expect(place.folder.taken.map(({ rows }) => rows)).toEqual([3]);
  });

  test.each([
    ['no header', row('A-1'), 0o644, /Missing required headers/],
    ['a byte order mark', '\uFEFFemail,event_name\nann@example.com,x\n', 0o644, /Missing required headers/],
    ['a header twice', 'email,email\na@example.com,b@example.com\n', 0o644, /Duplicate header: email/],
    [
      'Latin-1',
      Buffer.from('email,first_name\nann@example.com,Zo\u00eb\n', 'latin1'),
      0o644,
      /Incorrect file encoding/,
    ],
    ['a file that only its owner reads', FILE, 0o600, /Incorrect file permissions/],
    ['an empty file', '', 0o644, /empty/],
  ])('%s fails the whole file: one line says why, and no row is taken', async (_what, contents, mode, why) => {
    const place = await extoleFolders();
    place.put(`events/${NAME}`, contents, mode);
    await place.folder.look();
    const lines = place.get('events/results/acme_events_20261121100000-results.csv').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe('status,message');
    expect(lines[1]).toMatch(why);
    expect(place.list('events/archive')).toEqual([NAME]);
    expect(taken(place)).toEqual([]);
  });

  test('a name that was ever used is a duplicate, also after a restart; the first results stay', async () => {
    const place = await extoleFolders();
    place.put(`events/${NAME}`, FILE);
    await place.folder.look();
    await place.folder.close();
    const again = watchExtoleFolder({ io, root: place.root, account: place.extole.account, log: place.log });
    closeLater(() => again.close());
    place.put(`events/${NAME}`, `${HEADER}${row('B-1')}`);
    await again.look();
    expect(place.list('events/archive')).toEqual([NAME, `${NAME}.2`]);
    expect(place.list('events/results')).toEqual([
      'acme_events_20261121100000-results-2.csv',
      'acme_events_20261121100000-results.csv',
    ]);
    expect(place.get('events/results/acme_events_20261121100000-results-2.csv')).toMatch(
      /^status,message\nFAILURE,"Duplicate file/,
    );
    expect(keys(place)).toEqual(['A-1', 'A-3']);
  });

  test.each([
    ['no e-mail and no partner_user_id', 'account_opened,,A-1,', /Missing required value: email or partner_user_id/],
    ['a key of 39 characters', `account_opened,ann@example.com,${'k'.repeat(39)},`, /longer than 38/],
    ['a local time', 'account_opened,ann@example.com,A-1,11/20/2026', /Invalid event time/],
    ['no event name in its column', ',ann@example.com,A-1,', /Event name is required/],
    ['a column too few', 'account_opened,ann@example.com,A-1', /Expected 4 columns but found 3/],
    ['doubled quotes', 'account_opened,ann@example.com,"A ""1""",', /characters after a closing quote/],
    ['a quote in an unquoted value', 'account_opened,ann@example.com,5" pipe,', /a quote within an unquoted value/],
  ])('a row with %s fails alone', async (_what, line, why) => {
    const lines = await resultsOf({}, `${HEADER}${line}\n${row('A-9')}`);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^FAILURE,/);
    expect(lines[1]).toMatch(why);
    expect(lines[2]).toMatch(/^SUCCESS,,/);
  });

  test('a backslash escapes a quote, and in a .psv a quote is a character like any other', async () => {
    const place = await extoleFolders();
    place.put('events/a.csv', `email,company\nann@example.com,"The \\"A\\", Ltd"\n`);
    place.put('events/b.psv', `email|company\nann@example.com|The "B", Ltd\n`);
    await place.folder.look();
    expect(taken(place).map(({ body }) => body)).toMatchObject([
      { data: { company: 'The "A", Ltd' } },
      { data: { company: 'The "B", Ltd' } },
    ]);
  });

  test('without a column the file names its events, and an odd name leaves them "unspecified"', async () => {
    const place = await extoleFolders();
    place.put('events/reviews-20201015.csv', 'email\nann@example.com\n');
    place.put('events/whatever.csv', 'email\nann@example.com\n');
    place.put('conversions/whatever.csv', 'email\nann@example.com\n');
    await place.folder.look();
    expect(taken(place).map(({ body }) => body)).toMatchObject([
      { event_name: 'reviews' },
      { event_name: 'unspecified' },
      { event_name: 'conversion' },
    ]);
  });
});
