import { expect, test } from 'vitest';
import { problemsOf } from './job-problems.ts';

const EXTOLE = { account: 'acme', token: `\${env:EXTOLE}` };
const BASE = { pipeline: 'export-share-links', links: { label: 'friends' }, destination: { extole: EXTOLE } };
const FILES = {
  ...BASE,
  source: { url: 'file:///srv/acme/inbox', match: 'customers-*.csv' },
  customers: { email: 'email' },
};
const CONTACTS = {
  ...BASE,
  source: { url: 'file:///srv/acme/inbox' },
  customers: { from: 'hubspot', hubspot: { account: 'acme', token: `\${env:HUBSPOT}` } },
};
const EVENTS = {
  pipeline: 'deliver-events',
  source: { url: 'file:///srv/other/inbox', match: '*.csv' },
  event: { name: 'opened', key: 'id', time: { from: 'at', format: 'iso' }, data: { email: 'email' } },
  destination: { extole: EXTOLE },
};
const klaviyo = (url: string, more: object = {}) => ({ format: 'klaviyo-csv', to: { url }, ...more });

test('jobs that take no files may stand beside one that does', async () => {
  expect(await problemsOf({ files: FILES, contacts: CONTACTS, more: CONTACTS })).toEqual([]);
  const [first = ''] = await problemsOf({ files: FILES, same: FILES });
  expect(first).toMatch(/^error source\.match: the same files may match/);
});

test('an outbox is no inbox of any job', async () => {
  const own = { ...FILES, exports: [klaviyo('file:///srv/acme/inbox/')] };
  expect(await problemsOf({ own })).toEqual([
    'error exports.0.to.url: the outbox is the inbox of this job; files of links would be taken for its input',
  ]);
  const others = {
    ...FILES,
    exports: [klaviyo('file:///srv/acme/outbox'), klaviyo('file:///srv/other/inbox', { name: 'b' })],
  };
  expect(await problemsOf({ others, events: EVENTS })).toEqual([
    'error exports.1.to.url: the outbox is the inbox of events.yaml; files of links would be taken for its input',
  ]);
});

test('two exports never have one name in one folder', async () => {
  const url = 'file:///srv/acme/outbox';
  const twice = [klaviyo(url), klaviyo(url, { name: 'second' })];
  const [problem = ''] = await problemsOf({ job: { ...FILES, exports: twice } });
  expect(problem).toMatch(/^error exports\.1\.to\.url: files of second and of klaviyo-csv have the same names/);
  const apart = [klaviyo(url), klaviyo(url, { name: 'second', fileName: 'second-{yyyy}{MM}{dd}.csv' })];
  expect(await problemsOf({ job: { ...FILES, exports: apart } })).toEqual([]);
});

test('an outbox on a server without a login and a host key is told of', async () => {
  const exports = [klaviyo('sftp://acme@sftp.example.com/profiles')];
  const problems = await problemsOf({ job: { ...FILES, exports } });
  expect(problems.map((problem) => problem.split(':')[0])).toEqual([
    'error exports.0.to.privateKey',
    'warning exports.0.to.hostKey',
  ]);
});
