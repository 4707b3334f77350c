import { expect, test } from 'vitest';
import { problemsOf } from './job-problems.ts';

const EXTOLE = { account: 'acme', token: `\${env:EXTOLE}` };
const BASE = { pipeline: 'export-share-links', links: { label: 'friends' }, destination: { extole: EXTOLE } };
const LINKS = { ...BASE, source: { url: 'file:///srv/acme/inbox' } };
const EVENTS = {
  pipeline: 'deliver-events',
  source: { url: 'file:///srv/other/inbox', match: '*.csv' },
  event: { name: 'opened', key: 'id', time: { from: 'at', format: 'iso' }, data: { email: 'email' } },
  destination: { extole: EXTOLE },
};
const from = (ledger: object) => ({ ...LINKS, customers: { from: 'ledger', ledger } });

test('people of delivered rows come from jobs that deliver events and keep their files for a while', async () => {
  expect(await problemsOf({ feed: EVENTS, links: from({ jobs: ['feed'], events: ['opened'] }) })).toEqual([]);
  expect(await problemsOf({ feed: EVENTS, links: from({ jobs: ['fed'] }) })).toEqual([
    'warning customers.ledger.jobs.0: no job file has the id fed; people whose rows it delivered before are taken all the same',
  ]);
  expect(await problemsOf({ links: from({ jobs: ['links'] }) })).toEqual([
    'error customers.ledger.jobs.0: links does not deliver events (export-share-links), so nobody comes from it',
  ]);
  const short = { ...EVENTS, retention: { days: 0 } };
  expect(await problemsOf({ feed: short, links: from({ jobs: ['feed'] }) })).toEqual([
    expect.stringMatching(/^error customers\.ledger\.jobs\.0: feed keeps no staged file/),
  ]);
});

test('an event that the job does not deliver is told of', async () => {
  expect(await problemsOf({ feed: EVENTS, links: from({ jobs: ['feed'], events: ['opend'] }) })).toEqual([
    'warning customers.ledger.events.0: feed delivers no opend, but opened',
  ]);
});

test('files that come encrypted need a key, and the word that customers may lie decrypted', async () => {
  const feed = { ...EVENTS, file: { pgp: { privateKey: 'a key' } } };
  const without = (await problemsOf({ feed, links: from({ jobs: ['feed'] }) })).join('\n');
  expect(without).toMatch(/the files of feed come encrypted, and cannot be read here/);
  const pgp = { privateKey: 'a key' };
  const unsaid = (await problemsOf({ feed, links: from({ jobs: ['feed'], pgp }) })).join('\n');
  expect(unsaid).toMatch(/customers\.ledger\.pgp: .*allowPlaintextUploads: true/);
});

test('what is wrong with the server of the bulk path is told where the job has it', async () => {
  const customers = { email: 'email' };
  const source = { url: 'file:///srv/acme/inbox', match: 'customers-*.csv' };
  const bulk = { event: 'listed', collect: 'report' };
  const links = (more: object) => ({
    ...BASE,
    source,
    customers,
    links: { label: 'friends', bulk: { ...bulk, ...more }, report: { type: 'X' } },
  });
  const sftp = {
    url: 'sftp://acme@sftp.example.com/inbox',
    password: `\${env:EXTOLE}`,
    hostKey: `SHA256:${'A'.repeat(43)}`,
  };
  expect(await problemsOf({ links: links({ lane: 'sftp', sftp }) })).toEqual([
    expect.stringMatching(/^warning links\.bulk\.sftp\.url: files go into the folder "inbox"/),
  ]);
  expect(await problemsOf({ links: links({ lane: 'sftp' }) })).toEqual([
    expect.stringMatching(/^error links\.bulk\.lane: the lane sftp needs its own settings/),
  ]);
});
