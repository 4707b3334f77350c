import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';
import { io } from './extole-setup.ts';
import { cliArgs, PROJECT } from './support/cli.ts';
import { ran } from './support/package-install.ts';

const page = await readFile(join(PROJECT, 'docs/share-links.md'), 'utf8');

/** The commands that the page marks as runnable, in its order. */
const marked = [...page.matchAll(/<!-- runs: exit 0 -->\n```sh\n([\s\S]*?)```/g)].map(([, script = '']) => script);

describe('docs/share-links.md, followed by a new user with two tokens', () => {
  let folder: string;
  let sandbox: Sandbox;
  let env: NodeJS.ProcessEnv;
  let told: Awaited<ReturnType<typeof ran>>;
  const run = (script: string) => ran('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env });

  beforeAll(async () => {
    // Names of folders have spaces where users live.
    folder = await mkdtemp(join(tmpdir(), 'referry new user '));
    sandbox = await startSandbox({ io, root: join(folder, 'sandbox'), sftpPort: 0, extolePort: 0, tools: true });
    await mkdir(join(folder, 'bin'));
    const start = `#!/bin/sh\nexec ${[process.execPath, ...cliArgs([])].map((part) => `'${part}'`).join(' ')} "$@"\n`;
    await writeFile(join(folder, 'bin/referry'), start, { mode: 0o755 });
    const { EXTOLE_TOKEN, EXTOLE_API_URL, HUBSPOT_TOKEN, HUBSPOT_URL } = sandbox.env;
    const path = `${join(folder, 'bin')}:${process.env.PATH}`;
    env = { EXTOLE_TOKEN, EXTOLE_API_URL, HUBSPOT_TOKEN, HUBSPOT_URL, PATH: path, HOME: folder };
    told = await run(marked.join('\n'));
  }, 120_000);

  afterAll(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  });

  const contacts = () => sandbox.tools?.hubspot.contacts.all().map(({ properties }) => properties) ?? [];

  test('its commands run as they are written', () => {
    expect(marked).toHaveLength(2);
    expect(told.code, told.stdout + told.stderr).toBe(0);
    expect(told.stdout).toContain('Everything works.');
    expect(told.stdout).toMatch(/ok {2,}scopes {2,}crm\.objects\.contacts\.read, crm\.objects\.contacts\.write/);
    expect(told.stdout).toContain('Balanced: 5 read = 5 delivered');
    expect(told.stdout).toContain('push hubspot: 5 read, 5 delivered');
    expect(told.stdout).toContain('Nothing waits for a person.');
  });

  test('each contact then has the link that Extole has made for that person', () => {
    const made = new Map(sandbox.extole.links.shareables.map(({ code, label }) => [code, label]));
    expect(made.size).toBe(5);
    for (const { email, share_link: link, share_code: code = '' } of contacts()) {
      expect(link, email).toBe(`https://share.acme.example/${code}`);
      expect(made.get(code), email).toBe('refer-a-friend');
    }
    expect(new Set(contacts().map(({ share_link: link }) => link)).size).toBe(5);
  });

  test('results and a report are where the project has its files', async () => {
    const results = await readdir(join(folder, 'my-links/files/results'));
    expect(results.map((name) => name.replace(/\d{8}T\d{6}Z/, 'TIME')).sort()).toEqual([
      'push-hubspot-TIME.results.csv',
      'share-links-hubspot-contacts-TIME-r1.csv.results.csv',
    ]);
    const reports = await readdir(join(folder, 'my-links/files/reports'));
    expect(reports.filter((name) => name.endsWith('.html')).length).toBeGreaterThan(0);
  });

  test('a contact that is new gets its link with the next run, and the others are left alone', async () => {
    const before = contacts();
    sandbox.tools?.hubspot.contacts.add({ email: 'new.one@example.com', firstname: 'New' });
    const requests = sandbox.extole.received.length;
    const again = await run('cd my-links && referry run share-links');
    expect(again.code, again.stderr).toBe(0);
    expect(contacts().slice(0, 5)).toEqual(before);
    expect(contacts().at(-1)?.share_link).toMatch(/^https:\/\/share\.acme\.example\//);
    // Looked for, made, the link made.
    expect(sandbox.extole.received.length - requests).toBeLessThanOrEqual(3);
    const third = await run('cd my-links && referry run share-links');
    expect(third.stdout).toContain('no new file, nothing left from earlier runs');
  }, 60_000);

  test('the job that the page explains passes check, with each part that it shows', async () => {
    const [, job = ''] = /<!-- job -->\n```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const parts = [...page.matchAll(/<!-- part of a job -->\n```yaml\n([\s\S]*?)```/g)].map(([, part = '']) => part);
    expect(parts).toHaveLength(2);
    const jobs = join(folder, 'shown-job');
    await mkdir(jobs);
    for (const secret of ['sftp_key', 'extole_token', 'klaviyo_key', 'sfmc_key'])
      await writeFile(join(jobs, secret), 'secret', { mode: 0o600 });
    const whole: object = Object.assign({}, parse(job), ...parts.map((part) => parse(part)));
    for (const [name, text] of [['as-it-is', job] as const, ['with-parts', stringify(whole)] as const]) {
      const apart = text.replaceAll('/run/secrets/', '').replace('/inbox', `/${name}/inbox`);
      await writeFile(join(jobs, `${name}.yaml`), apart);
    }
    const checked = await run('EXTOLE_WEBHOOK_KEY=0123456789abcdef referry check --jobs shown-job --json');
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, problems: [] });
  });

  test('it names the columns that the formats have by themselves', () => {
    for (const columns of ['email,share_link,share_code,company,extole_app_type', 'EmailAddress,extole_share_link'])
      expect(page).toContain(`\`${columns}\``);
  });
});
