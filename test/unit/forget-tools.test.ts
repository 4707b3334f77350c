import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { toolsWithLinks } from '../../src/commands/forget-tools.ts';
import { loadJobs } from '../../src/jobs/load.ts';
import { forgetLocal } from '../../src/pipelines/files/forget/local-folders.ts';
import { searchFor } from '../../src/pipelines/files/forget/search.ts';

let folder = '';

afterEach(() => rm(folder, { recursive: true, force: true }));

const SERVER = { password: `\${env:SECRET}`, hostKey: `SHA256:${'a'.repeat(43)}` };

test('who is forgotten may be known to tools and in outboxes of servers, which are named without their secrets', async () => {
  folder = await mkdtemp(join(tmpdir(), 'referry-forget-'));
  const job = {
    pipeline: 'export-share-links',
    source: { ...SERVER, url: 'sftp://us@sftp.example.com/inbox', match: '*.csv' },
    customers: { email: 'email' },
    links: { label: 'friends' },
    destination: { extole: { account: 'acme', token: `\${env:SECRET}` } },
    exports: [
      { format: 'klaviyo-csv', to: { ...SERVER, url: 'sftp://us@sftp.klaviyo.com/profiles' } },
      { format: 'braze-csv', to: { url: 'file:///srv/outbox' } },
      { format: 'hubspot-csv', hubspot: { account: 'crm', token: `\${env:SECRET}` } },
    ],
    push: [{ provider: 'iterable', name: 'mails', account: 'eu', apiKey: `\${env:SECRET}` }],
  };
  await writeFile(join(folder, 'links.yaml'), JSON.stringify(job));
  const segments = {
    pipeline: 'sync-segment',
    source: { ...SERVER, url: 'sftp://us@sftp.example.com/segments', match: 'vip-*.csv' },
    members: { id: 'email' },
    segments: { vip: 'VIP customers' },
    target: { extole: { account: 'acme', token: `\${env:SECRET}` } },
  };
  await writeFile(join(folder, 'segments.yaml'), JSON.stringify(segments));
  const extoleFiles = {
    account: 'acme',
    audiences: { vip: 'A7' },
    sftp: { ...SERVER, url: 'sftp://us@sftp.extole.io/audiences' },
  };
  const byFiles = { ...segments, source: { ...segments.source, match: 'all-*.csv' }, target: { extoleFiles } };
  await writeFile(join(folder, 'z-files.yaml'), JSON.stringify(byFiles));
  // What lies in folders of this machine is found by looking.
  const outbox = join(folder, 'members');
  await mkdir(outbox);
  for (const [name, who] of [
    ['vip_members.csv', 'ana@example.com'],
    ['best_members.csv', 'bo@example.com'],
  ] as const)
    await writeFile(join(outbox, name), `id\n${who}\n`);
  const here = { account: 'crm', to: { url: `file://${outbox}` } };
  const source = { ...byFiles.source, match: 'more-*.csv' };
  await writeFile(join(folder, 'z-here.yaml'), JSON.stringify({ ...byFiles, source, target: { files: here } }));
  const inbox = join(folder, 'inbox');
  await mkdir(join(inbox, 'add'), { recursive: true });
  await writeFile(join(inbox, 'add', 'vip.csv'), 'id\nana@example.com\n');
  const sides = { members: { id: 'email', kind: 'changes', action: { folders: {} } } };
  const bySides = { ...byFiles, ...sides, source: { url: `file://${inbox}`, match: '*.csv' } };
  await writeFile(
    join(folder, 'z-sides.yaml'),
    JSON.stringify({ ...bySides, target: { files: { ...here, account: 'b' } } }),
  );
  const { jobs } = await loadJobs(folder, { SECRET: 'hidden' });
  const search = searchFor('ana@example.com');
  const local = await forgetLocal({ jobs, search, dryRun: true, crashPoint: () => {} });
  expect(local).toMatchObject({ results: [], left: [join(outbox, 'vip_members.csv'), join(inbox, 'add', 'vip.csv')] });
  const told = await toolsWithLinks({ jobs: folder }, { env: { SECRET: 'hidden' } });
  expect(told).toEqual([
    'mails, account eu: the profile and its share link',
    'sftp://us@sftp.example.com/: push-mails-*.results.csv in results',
    'sftp://us@sftp.klaviyo.com/profiles: files of share links',
    'hubspot, account crm: the contact and its share link',
    'extole, account acme: the person as a member of "VIP customers"',
    'sftp://us@sftp.extole.io/audiences: the person as a member of "VIP customers"',
  ]);
});
