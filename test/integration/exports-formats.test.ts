import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { ExportFormat } from '../../src/exports/format.ts';
import { compileExport, EXPORT_FORMATS } from '../../src/exports/registry.ts';
import { exported } from './support/exported.ts';
import { nameless, person } from './support/people.ts';

const { 'hubspot-csv': hubspot, 'sfmc-csv': sfmc, 'klaviyo-csv': klaviyo } = EXPORT_FORMATS;
const { 'iterable-csv': iterable, 'braze-csv': braze, 'plain-csv': plain } = EXPORT_FORMATS;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referry-exports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is wrong with settings, as people read it. */
function problems<Settings extends z.ZodType>(format: ExportFormat<Settings>, settings: unknown): string[] {
  const { error } = format.settings.safeParse(settings);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a file for HubSpot', () => {
  test('has the contact properties of the guide, by their internal names', async () => {
    const rows = [
      person(1, { fields: { company: 'Acme, "Inc"', extole_app_type: 'referral' } }),
      person(2, { link: 'http://share.example.com/p2' }),
    ];
    const { header, rows: read, names } = await exported(compileExport(hubspot, {}), rows, { folder });
    expect(names).toEqual(['hubspot-share-links-20261121-030405.csv']);
    expect(header).toEqual(['email', 'share_link', 'share_code', 'company', 'extole_app_type']);
    expect(read).toEqual([
      ['p000001@example.com', 'https://share.example.com/p1', 'p1', 'Acme, "Inc"', 'referral'],
      ['p000002@example.com', 'https://share.example.com/p2', 'p2', '', ''],
    ]);
  });

  test('takes texts that are the same for all, and further properties', async () => {
    const format = compileExport(hubspot, {
      company: 'Acme',
      appType: 'referral',
      codeProperty: 'advocate_code',
      columns: { firstname: '{first_name}' },
    });
    expect(format.fields).toEqual(['first_name']);
    const { header, rows } = await exported(format, [person(1, { fields: { first_name: 'Ann' } })], { folder });
    expect(header).toEqual(['email', 'share_link', 'advocate_code', 'company', 'extole_app_type', 'firstname']);
    expect(rows[0]?.slice(2)).toEqual(['p1', 'Acme', 'referral', 'Ann']);
  });

  test('has no more rows and bytes than HubSpot takes; more go into further files', async () => {
    const people = Array.from({ length: 25 }, (_, i) => person(i));
    const { written, names, rows } = await exported(compileExport(hubspot, { maxRows: 10 }), people, { folder });
    expect(names).toEqual([
      'hubspot-share-links-20261121-030405.csv',
      'hubspot-share-links-20261121-030405.part2.csv',
      'hubspot-share-links-20261121-030405.part3.csv',
    ]);
    expect(written.files.map((file) => file.rows)).toEqual([10, 10, 5]);
    expect(rows.map(([email]) => email)).toEqual(people.map(({ email }) => email));
    expect(compileExport(hubspot, {})).toMatchObject({ maxRows: 1_048_575, maxBytes: 512_000_000 });
    expect(problems(hubspot, { maxRows: 1_048_576 })).toHaveLength(1);
  });

  test('has a header that HubSpot takes', () => {
    expect(problems(hubspot, { linkProperty: 'Share Link' })[0]).toContain('internal name of a HubSpot property');
    expect(problems(hubspot, { columns: { Email: '{email}' } })[0]).toContain('differ in capital letters only');
    const many = Object.fromEntries(Array.from({ length: 995 }, (_, i) => [`p${i}`, 'x']));
    expect(problems(hubspot, { columns: many })[0]).toContain('there are 1000 columns; HubSpot takes 999');
    const { p0: _, ...fewer } = many;
    expect(problems(hubspot, { columns: fewer })).toEqual([]);
  });
});

describe('a file for Salesforce Marketing Cloud', () => {
  test('has the columns of the data extension, and links that fit into 500 characters', async () => {
    const fits = `https://share.example.com/${'x'.repeat(474)}`;
    expect(fits).toHaveLength(500);
    // 493 characters as they came: the scheme counts.
    const rows = [person(1), person(2, { link: fits }), person(3, { link: `${fits.slice(8)}x` })];
    const { header, rows: read, leftOut, names } = await exported(compileExport(sfmc, {}), rows, { folder });
    expect(names).toEqual(['extole_share_links_20261121.csv']);
    expect(header).toEqual(['EmailAddress', 'extole_share_link']);
    expect(read).toEqual([
      ['p000001@example.com', 'https://share.example.com/p1'],
      ['p000002@example.com', fits],
    ]);
    expect(leftOut.map(({ row, why }) => [row.code, why])).toEqual([
      ['p3', { code: 'LINK_TOO_LONG', reason: 'the share link has 501 characters; the column takes 500' }],
    ]);
  });

  test('is named after the date in the zone of the account', async () => {
    const format = compileExport(sfmc, { timezone: 'America/Chicago' });
    expect((await exported(format, [person(1)], { folder })).names).toEqual(['extole_share_links_20261120.csv']);
  });

  test.each([...'\\/:*<>|?"'])('has no %s in its name', (character) => {
    expect(problems(sfmc, { fileName: `links${character}{yyyy}.csv` })[0]).toContain(`found ${character} in it`);
  });

  test('can have another primary key, and be written under its own name for a file-drop automation', async () => {
    const format = compileExport(sfmc, { keyColumn: 'SubscriberKey', direct: true });
    expect(format.direct).toBe(true);
    const { header, rows, leftOut } = await exported(
      format,
      [nameless(1), person(2), person(3, { partnerUserId: '' })].sort((a, b) =>
        (a.partnerUserId ?? '') < (b.partnerUserId ?? '') ? -1 : 1,
      ),
      { folder },
    );
    expect(header).toEqual(['SubscriberKey', 'EmailAddress', 'extole_share_link']);
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['id-000001', ''],
      ['id-000002', 'p000002@example.com'],
    ]);
    expect(leftOut.map(({ why }) => why.code)).toEqual(['IDENTIFIER_MISSING']);
    expect(compileExport(sfmc, {}).direct).toBe(false);
  });
});

describe('a file for Klaviyo', () => {
  test('begins with the e-mail address, and has nobody twice, however the address is written', async () => {
    const rows = [person(1), person(1, { email: 'P000001@Example.com' }), person(2)];
    const { header, rows: read, leftOut } = await exported(compileExport(klaviyo, {}), rows, { folder });
    expect(header).toEqual(['Email Address', 'share_link']);
    expect(read).toEqual([
      ['p000001@example.com', 'https://share.example.com/p1'],
      ['p000002@example.com', 'https://share.example.com/p2'],
    ]);
    expect(leftOut.map(({ row, why }) => [row.email, why.code])).toEqual([['P000001@Example.com', 'PERSON_TWICE']]);
  });

  test('has at most 50 MB; more go into further files, each with a header', async () => {
    expect(compileExport(klaviyo, {}).maxBytes).toBe(50_000_000);
    const format = compileExport(klaviyo, { maxBytes: 1000, columns: { first_name: '{first_name}' } });
    const people = Array.from({ length: 100 }, (_, i) =>
      person(i, { fields: { first_name: '"""""ü漢😄'.repeat(i % 9) } }),
    );
    const { written, rows } = await exported(format, people, { folder });
    expect(written.files.length).toBeGreaterThan(5);
    for (const file of written.files) expect(file.size).toBeLessThanOrEqual(1000);
    // Files are filled: only the last may be small.
    for (const file of written.files.slice(0, -1)) expect(file.size).toBeGreaterThan(750);
    expect(rows.map(([email]) => email)).toEqual(people.map(({ email }) => email));
  });

  test('has properties in one spelling', () => {
    expect(problems(klaviyo, { columns: { Share_Link: '{link}' } })[0]).toContain('differ in capital letters only');
    expect(problems(klaviyo, { emailColumn: 'Email ' })).toHaveLength(1);
    expect(compileExport(klaviyo, { emailColumn: 'Email' }).columns).toEqual(['Email', 'share_link']);
  });
});

describe('a file for Iterable', () => {
  test('has the names of profile fields as its header', async () => {
    const format = compileExport(iterable, { columns: { firstName: '{first_name}' } });
    const { header, rows } = await exported(format, [person(1, { fields: { first_name: 'Ann' } })], { folder });
    expect(header).toEqual(['email', 'share_link', 'firstName']);
    expect(rows).toEqual([['p000001@example.com', 'https://share.example.com/p1', 'Ann']]);
  });

  test('can know people by userId, and then has e-mail addresses only where they are asked for', async () => {
    const format = compileExport(iterable, { identifier: 'userId', columns: { email: '{email}' } });
    const { header, rows } = await exported(format, [nameless(1), person(2, { partnerUserId: '007' })].reverse(), {
      folder,
    });
    expect(header).toEqual(['userId', 'share_link', 'email']);
    expect(rows.map(([id]) => id)).toEqual(['007', 'id-000001']);
  });

  test.each(['Email', 'EMAIL', 'userid', 'UserId'])('calls no field %s', (name) => {
    expect(
      problems(iterable, { identifier: name.length > 5 ? 'email' : 'userId', columns: { [name]: 'x' } })[0],
    ).toContain(`found a column "${name}"; Iterable calls it`);
  });

  test('has no two fields that differ in capital letters, and none with a space at an end', () => {
    expect(problems(iterable, { columns: { SHARE_LINK: 'x' } })[0]).toContain('differ in capital letters only');
    expect(problems(iterable, { linkField: 'share_link ' })[0]).toContain('with a space at an end');
  });
});

describe('a file for Braze', () => {
  test('begins with the identifier', async () => {
    const { header, rows, leftOut } = await exported(
      compileExport(braze, {}),
      [person(1, { partnerUserId: '' }), person(2, { partnerUserId: '0130' }), person(3)],
      { folder },
    );
    expect(header).toEqual(['external_id', 'share_link']);
    // Ids are text to Braze: a zero before one stays.
    expect(rows).toEqual([
      ['0130', 'https://share.example.com/p2'],
      ['id-000003', 'https://share.example.com/p3'],
    ]);
    expect(leftOut.map(({ why }) => why.code)).toEqual(['IDENTIFIER_MISSING']);
  });

  test('can know people by e-mail address or by an alias', async () => {
    expect(compileExport(braze, { identifier: 'email' }).columns).toEqual(['email', 'share_link']);
    const alias = compileExport(braze, { identifier: 'user_alias', id: '{email}', aliasLabel: 'mail {x}' });
    const { header, rows } = await exported(alias, [person(1)], { folder });
    expect(header).toEqual(['user_alias_name', 'user_alias_label', 'share_link']);
    expect(rows).toEqual([['p000001@example.com', 'mail {x}', 'https://share.example.com/p1']]);
  });

  test('has no number that Braze would store as another one', async () => {
    const format = compileExport(braze, { columns: { zip: '{zip}' } });
    const rows = ['0130', '130', 'Z0130', '0', '0.5'].map((zip, i) => person(i, { fields: { zip } }));
    const { rows: read, leftOut } = await exported(format, rows, { folder });
    expect(read.map(([, , zip]) => zip)).toEqual(['130', 'Z0130', '0', '0.5']);
    expect(leftOut.map(({ row, why }) => [row.fields.zip, why.code])).toEqual([['0130', 'VALUE_READ_AS_NUMBER']]);
  });

  test.each([
    ['First_name', 'Braze has first_name'],
    ['external_id', 'the identifier is chosen with identifier'],
    ['Braze_ID', 'the identifier is chosen with identifier'],
    ['Share_link', 'differ in capital letters only'],
  ])('has no column %s', (name, told) => {
    expect(problems(braze, { columns: { [name]: 'x' } })[0]).toContain(told);
  });

  test('has the attributes of Braze in their own spelling', () => {
    expect(problems(braze, { columns: { first_name: '{first_name}', email: '{email}' } })).toEqual([]);
    expect(problems(braze, { identifier: 'email', columns: { email: '{email}' } })[0]).toContain('two columns "email"');
  });
});

describe('a file with columns of your own', () => {
  const columns = { Mail: '{email}', Greeting: 'Hi {first_name}', Link: '{link}' };

  test('keeps + and = as they are, for programs', async () => {
    const format = compileExport(plain, { columns, delimiter: ';' });
    const rows = ['=1+1', '+491701234567', '-5', '@x', 'a;b', 'say "hi"'].map((first_name, i) =>
      person(i, { fields: { first_name } }),
    );
    const { rows: read } = await exported(compileExport(plain, { columns: { X: '{first_name}' } }), rows, { folder });
    expect(read.flat()).toEqual(['=1+1', '+491701234567', '-5', '@x', 'a;b', 'say "hi"']);
    const { texts } = await exported(format, rows.slice(4, 5), { folder });
    expect(texts[0]).toBe('Mail;Greeting;Link\np000004@example.com;"Hi a;b";https://share.example.com/p4\n');
  });

  test('for a spreadsheet begins with a mark, and runs nothing', async () => {
    const format = compileExport(plain, { columns: { Name: '{first_name}' }, spreadsheet: true });
    const names = ['=HYPERLINK("http://x")', '+1-cmd', '@sum', '＝1', '+491701234567', '-5', 'Ann'];
    const { texts, rows } = await exported(
      format,
      names.map((first_name, i) => person(i, { fields: { first_name } })),
      { folder },
    );
    expect(texts[0]?.startsWith('\uFEFFName\n')).toBe(true);
    expect(rows.flat()).toEqual([`'=HYPERLINK("http://x")`, `'+1-cmd`, `'@sum`, `'＝1`, '+491701234567', '-5', 'Ann']);
  });

  test.each([
    [{}, 'at least one column is needed'],
    [{ '1': 'x' }, 'a column name that is a number'],
    [{ a: '{' }, 'a name in braces is expected'],
    [{ 'a\nb': 'x' }, 'a control character'],
  ])('is told of columns that cannot be: %j', (wrong, told) => {
    expect(problems(plain, { columns: wrong }).join()).toContain(told);
  });

  test.each([
    ['links.txt', 'ends with .csv'],
    ['.links.csv', 'begin with a dot'],
    ['links-{day}.csv', 'found {day}; known are {yyyy}'],
    ['links-{yyyy.csv', 'a brace without its other one'],
    ['.csv', 'begin with a dot'],
    ['a\u0000.csv', 'control character'],
  ])('is told of a name that cannot be: %j', (fileName, told) => {
    expect(problems(plain, { columns, fileName }).join()).toContain(told);
  });

  test('is told of a zone that is none', () => {
    expect(problems(plain, { columns, timezone: 'America/Nowhere' })[0]).toContain('an IANA time zone is needed');
  });
});

describe('every format', () => {
  test('explains each of its settings', () => {
    for (const format of Object.values(EXPORT_FORMATS)) {
      const { shape } = format.settings;
      for (const [name, field] of Object.entries(shape))
        expect(`${format.name} ${name} ${(field.description ?? '').length > 20}`).toBe(`${format.name} ${name} true`);
      expect(format.settings.description).toBeTruthy();
    }
  });

  test.each([
    compileExport(hubspot, {}),
    compileExport(sfmc, {}),
    compileExport(klaviyo, {}),
    compileExport(iterable, {}),
    compileExport(braze, {}),
    compileExport(plain, { columns: { Link: '{link}' } }),
  ])('$format writes a header alone where there is nobody', async (format) => {
    const { written, rows } = await exported(format, [], { folder });
    expect(rows).toEqual([]);
    expect(written).toMatchObject({ read: 0, rows: 0, leftOut: {} });
  });
});
