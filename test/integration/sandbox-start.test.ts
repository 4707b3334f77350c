import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type SFTPWrapper } from 'ssh2';
import { afterEach, expect, test } from 'vitest';
import { newKeyPair } from '../../src/sandbox/sftp/server.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';
import { io } from './extole-setup.ts';

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function sandbox(more: { tools?: boolean } = {}): Promise<Sandbox & { root: string }> {
  const root = mkdtempSync(join(tmpdir(), 'referry-sandbox-'));
  opened.push(async () => rmSync(root, { recursive: true }));
  const started = await startSandbox({ io, root, sftpPort: 0, extolePort: 0, extoleSftpPort: 0, ...more });
  opened.push(() => started.close());
  return { ...started, root };
}

/** Logs in as a client of Extole does. */
function login(
  env: Record<string, string>,
  credentials: { privateKey: string } | { password: string },
): Promise<SFTPWrapper> {
  const url = new URL(env.EXTOLE_SFTP_URL ?? '');
  const client = new ssh2.Client();
  opened.push(async () => void client.end());
  return new Promise((resolve, reject) => {
    client.once('error', reject);
    client.once('ready', () => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))));
    client.connect({ host: url.hostname, port: Number(url.port), username: url.username, ...credentials });
  });
}

function write(sftp: SFTPWrapper, path: string, text: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = sftp.createWriteStream(path, { mode });
    stream.once('error', reject);
    stream.once('close', () => resolve());
    stream.end(text);
  });
}

const HEADER = 'event_name,email,partner_conversion_id\n';

test("Extole's SFTP server lets a client in by its key only", async () => {
  const { env } = await sandbox();
  const privateKey = readFileSync(env.EXTOLE_SFTP_KEY_FILE ?? '', 'utf8');
  const publicKey = readFileSync(`${env.EXTOLE_SFTP_KEY_FILE}.pub`, 'utf8');
  expect(publicKey).toMatch(/^ssh-rsa \S+ \S+@\S+\n$/);
  expect(statSync(env.EXTOLE_SFTP_KEY_FILE ?? '').mode & 0o777).toBe(0o600);
  await expect(login(env, { password: 'sandbox-password' })).rejects.toThrow(/authentication/);
  const other = newKeyPair().private;
  await expect(login(env, { privateKey: other })).rejects.toThrow(/authentication/);
  const sftp = await login(env, { privateKey });
  const names = await new Promise<string[]>((resolve, reject) =>
    sftp.readdir('/', (error, list) => (error ? reject(error) : resolve(list.map(({ filename }) => filename)))),
  );
  expect(names.sort()).toEqual(['approvals', 'audiences', 'conversions', 'dropbox', 'events', 'existing', 'optouts']);
}, 30_000);

test('a file that is put there is answered within a second, and its rows are kept; one that nobody may read is not', async () => {
  const { root, env } = await sandbox();
  const sftp = await login(env, { privateKey: readFileSync(env.EXTOLE_SFTP_KEY_FILE ?? '', 'utf8') });
  await write(sftp, '/events/mine.csv', `${HEADER}account_opened,ann@example.com,A-1\n`, 0o644);
  await write(sftp, '/events/private.csv', `${HEADER}account_opened,ann@example.com,A-2\n`, 0o600);
  const results = (name: string): string => readFileSync(join(root, 'extole/sftp/events/results', name), 'utf8');
  await expect
    .poll(() => results('mine-results.csv'), { timeout: 5000 })
    .toMatch(/^status,message,event_name.*\nSUCCESS,,account_opened/);
  await expect.poll(() => results('private-results.csv'), { timeout: 5000 }).toMatch(/Incorrect file permissions/);
  const received = readFileSync(join(root, 'extole/received.jsonl'), 'utf8').trimEnd().split('\n');
  expect(received.map((line) => JSON.parse(line))).toMatchObject([
    { method: 'ROW', path: 'sftp:/events/mine.csv#1', accepted: true },
  ]);
  const taken = readFileSync(join(root, 'extole/taken.jsonl'), 'utf8').trimEnd().split('\n');
  expect(taken.map((line) => JSON.parse(line))).toMatchObject([
    { name: 'mine.csv', accepted: 1 },
    { name: 'private.csv', accepted: 0 },
  ]);
}, 30_000);

test('the tools let in who has the credentials of the environment, nobody else, and keep what they get', async () => {
  const { root, env, tools } = await sandbox({ tools: true });
  const search = (token: string): Promise<Response> =>
    fetch(`${env.HUBSPOT_URL}/crm/v3/objects/contacts/search`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ filterGroups: [], limit: 100 }),
    });
  expect((await search('another')).status).toBe(401);
  expect(await (await search(env.HUBSPOT_TOKEN ?? '')).json()).toMatchObject({ total: 5 });
  const { clientId = '', clientSecret = '' } = { clientId: env.SFMC_CLIENT_ID, clientSecret: env.SFMC_CLIENT_SECRET };
  const token = await fetch(`${env.SFMC_AUTH_URL}/v2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }),
  });
  expect(token.status).toBe(200);
  const urls = [env.KLAVIYO_URL, env.ITERABLE_URL, env.BRAZE_URL];
  expect(urls).toEqual([tools?.klaviyo.url, tools?.iterable.url, tools?.braze.url]);
  const cohort = await fetch(`${env.BRAZE_URL}/partners/heap/cohorts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ partner_api_key: env.BRAZE_PARTNER_KEY, client_secret: env.BRAZE_IMPORT_KEY },
      ...{ cohort_id: 'vip', name: 'VIP', created_at: '2026-11-21T00:00:00Z' },
    }),
  });
  expect(cohort.status).toBe(201);
  const kept = (tool: string): string => readFileSync(join(root, tool, 'received.jsonl'), 'utf8');
  expect(kept('hubspot').trimEnd().split('\n')).toHaveLength(2);
  expect(kept('sfmc')).not.toContain('sandbox-secret');
  expect(kept('sfmc')).toContain('"client_id":"sandbox-client"');
  expect(kept('braze')).toContain('"cohort_id":"vip"');
  for (const secret of [env.BRAZE_PARTNER_KEY ?? '', env.BRAZE_IMPORT_KEY ?? ''])
    expect(kept('braze')).not.toContain(secret);
}, 30_000);

test('lists are kept also where the closing tells of a mistake, and a kept file that cannot be read is no empty one', async () => {
  const root = mkdtempSync(join(tmpdir(), 'referry-sandbox-'));
  opened.push(async () => rmSync(root, { recursive: true }));
  const start = (): Promise<Sandbox> => startSandbox({ io, root, sftpPort: 0, extolePort: 0 });
  const first = await start();
  const { id } = first.extole.audiences.make('VIP');
  first.extole.audiences.set(id, 'ann@example.com', true);
  first.extole.setFaults(() => {
    throw new Error('no such fault');
  });
  await fetch(`${first.extole.url}/v5/events`, { method: 'POST', headers: { authorization: 'Bearer x' }, body: '{}' });
  await expect(first.close()).rejects.toMatchObject({ code: 'SANDBOX' });
  const second = await start();
  expect([...(second.extole.audiences.get(id)?.members ?? [])]).toEqual(['ann@example.com']);
  await second.close();
  rmSync(join(root, 'extole', 'audiences.json'));
  mkdirSync(join(root, 'extole', 'audiences.json'));
  await expect(start()).rejects.toMatchObject({ code: 'EISDIR' });
});
