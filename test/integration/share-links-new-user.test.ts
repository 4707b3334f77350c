import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { PROJECT } from './support/cli.ts';
import { blocksThatRun, checkShown, type NewUser, newUser, shownJobs, shownParts } from './support/new-user.ts';
import type { Ran } from './support/package-install.ts';

const page = await readFile(join(PROJECT, 'docs/share-links.md'), 'utf8');

const marked = blocksThatRun(page);

describe('docs/share-links.md, followed by a new user with two tokens', () => {
  let user: NewUser;
  let told: Ran;

  beforeAll(async () => {
    user = await newUser(['EXTOLE_TOKEN', 'EXTOLE_API_URL', 'HUBSPOT_TOKEN', 'HUBSPOT_URL'], { tools: true });
    told = await user.run(marked.map(({ script }) => script).join('\n'));
  }, 120_000);

  afterAll(() => user.close());

  const contacts = () => user.sandbox.tools?.hubspot.contacts.all().map(({ properties }) => properties) ?? [];

  test('its commands run as they are written', () => {
    expect(marked.map(({ code }) => code)).toEqual([0, 0]);
    expect(told.code, told.stdout + told.stderr).toBe(0);
    expect(told.stdout).toContain('Everything works.');
    expect(told.stdout).toMatch(/ok {2,}scopes {2,}crm\.objects\.contacts\.read, crm\.objects\.contacts\.write/);
    expect(told.stdout).toContain('Balanced: 5 read = 5 delivered');
    expect(told.stdout).toContain('push hubspot: 5 read, 5 delivered');
    expect(told.stdout).toContain('Nothing waits for a person.');
  });

  test('each contact then has the link that Extole has made for that person', () => {
    const made = new Map(user.sandbox.extole.links.shareables.map(({ code, label }) => [code, label]));
    expect(made.size).toBe(5);
    for (const { email, share_link: link, share_code: code = '' } of contacts()) {
      expect(link, email).toBe(`https://share.acme.example/${code}`);
      expect(made.get(code), email).toBe('refer-a-friend');
    }
    expect(new Set(contacts().map(({ share_link: link }) => link)).size).toBe(5);
  });

  test('results and a report are where the project has its files', async () => {
    const results = await readdir(join(user.folder, 'my-links/files/results'));
    expect(results.map((name) => name.replace(/\d{8}T\d{6}Z/, 'TIME')).sort()).toEqual([
      'push-hubspot-TIME.results.csv',
      'share-links-hubspot-contacts-TIME-r1.csv.results.csv',
    ]);
    const reports = await readdir(join(user.folder, 'my-links/files/reports'));
    expect(reports.filter((name) => name.endsWith('.html')).length).toBeGreaterThan(0);
  });

  test('a contact that is new gets its link with the next run, and the others are left alone', async () => {
    const before = contacts();
    user.sandbox.tools?.hubspot.contacts.add({ email: 'new.one@example.com', firstname: 'New' });
    const requests = user.sandbox.extole.received.length;
    const again = await user.run('cd my-links && referry run share-links');
    expect(again.code, again.stderr).toBe(0);
    expect(contacts().slice(0, 5)).toEqual(before);
    expect(contacts().at(-1)?.share_link).toMatch(/^https:\/\/share\.acme\.example\//);
    // Looked for, made, the link made.
    expect(user.sandbox.extole.received.length - requests).toBeLessThanOrEqual(3);
    const third = await user.run('cd my-links && referry run share-links');
    expect(third.stdout).toContain('no new file, nothing left from earlier runs');
  }, 60_000);

  test('the job that the page explains passes check, with each part that it shows', async () => {
    const [job = '', ...others] = shownJobs(page);
    expect(others).toEqual([]);
    const parts = shownParts(page);
    expect(parts).toHaveLength(2);
    const whole: object = Object.assign({}, parse(job), ...parts.map((part) => parse(part)));
    const secrets = ['sftp_key', 'extole_token', 'klaviyo_key', 'sfmc_key'];
    const told = await checkShown([job, stringify(whole)], secrets, { EXTOLE_WEBHOOK_KEY: '0123456789abcdef' });
    expect(told).toMatchObject({ ok: true, problems: [] });
  });

  test('it names the columns that the formats have by themselves', () => {
    for (const columns of ['email,share_link,share_code,company,extole_app_type', 'EmailAddress,extole_share_link'])
      expect(page).toContain(`\`${columns}\``);
  });
});
