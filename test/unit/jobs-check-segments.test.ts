import { expect, test } from 'vitest';
import { problemsOf } from './job-problems.ts';

const HUBSPOT = { account: 'acme', token: `\${env:HUBSPOT}`, identifyBy: 'email' };
const job = (folder: string, more: object = {}) => ({
  pipeline: 'sync-segment',
  source: { url: `file:///srv/${folder}/inbox`, match: '*.csv' },
  members: { id: 'id' },
  segments: { vip: 'VIP customers' },
  target: { hubspot: HUBSPOT },
  ...more,
});
const CHANGES = { members: { id: 'id', kind: 'changes', action: { column: 'action' } } };

test('two jobs do not keep the same segment at the same account: each snapshot would undo the other', async () => {
  const found = await problemsOf({ a: job('a'), b: job('b', CHANGES) });
  expect(found).toEqual([
    'error segments: the segment vip at hubspot acme is also kept by b.yaml: a snapshot of one job removes the members of the other',
    'error segments: the segment vip at hubspot acme is also kept by a.yaml: a snapshot of one job removes the members of the other',
  ]);
});

test('nor the same list under two names', async () => {
  const target = { hubspot: { ...HUBSPOT, listId: '42' } };
  const [found] = await problemsOf({ a: job('a', { target }), b: job('b', { target, segments: { best: 'Best' } }) });
  expect(found).toMatch(/^error segments: target\.hubspot\.listId 42 is also kept by b\.yaml/);
});

test('nor one that is found by the same name under two ids, in two jobs or in one, whatever their files tell', async () => {
  const [a, b] = [job('a', CHANGES), job('b', { ...CHANGES, segments: { best: 'VIP customers' } })];
  expect(await problemsOf({ a, b })).toEqual([
    'error segments: the list "VIP customers" at hubspot acme is also kept by b.yaml: each job removes members whom the other has added',
    'error segments: the list "VIP customers" at hubspot acme is also kept by a.yaml: each job removes members whom the other has added',
  ]);
  const segments = { vip: 'VIP customers', best: 'VIP customers', lapsed: 'Lapsed' };
  const several = { members: { id: 'id', segmentFrom: 'column', segmentColumn: 'segment' }, segments };
  for (const target of [
    { hubspot: HUBSPOT },
    { extole: { account: 'acme', token: `\${env:EXTOLE}` } },
    { klaviyo: { account: 'acme', apiKey: `\${env:HUBSPOT}` } },
    { iterable: { account: 'acme', apiKey: `\${env:HUBSPOT}` } },
  ])
    expect(await problemsOf({ a: job('a', { ...several, target }) })).toEqual([
      'error segments.best: the segments vip and best have the same name, and so the same list, in which each would undo the other',
    ]);
  // An outbox and a cohort go by the id.
  const target = { files: { account: 'acme', to: { url: 'file:///srv/out' } } };
  expect(await problemsOf({ a: job('a', { ...several, target }) })).toEqual([]);
});

test('nor the same audience of Extole by files in two jobs, or by files and by API', async () => {
  const sftp = {
    url: 'sftp://acme@sftp.extole.io/audiences',
    privateKey: `\${env:HUBSPOT}`,
    hostKey: 'SHA256:uNiVztksCsDhcc0u9e8BrlJDqW0VJz5vBv1q3kPp6Xk',
  };
  const byFiles = (folder: string, segment: string): object =>
    job(folder, {
      segments: { [segment]: segment },
      target: { extoleFiles: { account: 'acme', audiences: { [segment]: '7012' }, sftp } },
    });
  const kept =
    'the audience 7012 at extole acme is also kept by b.yaml: each job removes members whom the other has added';
  const [byTwo] = await problemsOf({ a: byFiles('a', 'vip'), b: byFiles('b', 'best') });
  expect(byTwo).toBe(`error segments: ${kept}`);
  const byApi = { extole: { account: 'acme', token: `\${env:EXTOLE}`, audienceId: '7012' } };
  const [byBoth] = await problemsOf({ a: byFiles('a', 'vip'), b: job('b', { target: byApi }) });
  expect(byBoth).toBe(`error segments: ${kept}`);
});

test('words for who comes and goes are refused where the folder says it', async () => {
  const action = { folders: {}, add: ['in'] };
  expect(await problemsOf({ a: job('a', { members: { id: 'id', kind: 'changes', action } }) })).toEqual([
    'error members.action.add: with folders, the folder of a file says it, and no word: leave it out',
  ]);
  const both = { members: { id: 'id', kind: 'changes', action: { folders: {} } } };
  expect(await problemsOf({ a: job('a', both) })).toEqual([]);
});

test('other accounts, other segments, and changes of the same segment may stand beside each other', async () => {
  const other = { target: { hubspot: { ...HUBSPOT, account: 'other' } } };
  const a = job('a');
  expect(await problemsOf({ a, b: job('b', other), c: job('c', { segments: { best: 'Best' } }) })).toEqual([]);
  expect(await problemsOf({ a: job('a', CHANGES), b: job('b', CHANGES) })).toEqual([]);
});

const EVENTS = {
  pipeline: 'deliver-events',
  source: { url: 'file:///srv/other/inbox', match: '*.csv' },
  event: { name: 'funded', key: 'id', time: { from: 'at', format: 'iso' }, data: { email: 'email' } },
  destination: { extole: { account: 'acme', token: `\${env:EXTOLE}` } },
};
const delivered = (ledger: object, more: object = {}) => ({
  pipeline: 'sync-segment',
  source: { url: 'file:///srv/s/inbox' },
  members: { from: 'ledger', ledger: { jobs: ['feed'], days: 90, ...ledger } },
  segments: { funded: 'Funded lately' },
  target: { hubspot: HUBSPOT },
  ...more,
});

test('who was delivered lately is known only as long as the files and the keys of those jobs are kept', async () => {
  const kept = { ...EVENTS, retention: { days: 90 } };
  expect(await problemsOf({ feed: kept, s: delivered({ events: ['funded'] }) })).toEqual([]);
  expect(await problemsOf({ feed: EVENTS, s: delivered({}) })).toEqual([
    'error members.ledger.jobs.0: feed keeps staged files for 30 days (retention.days), and the people of 90 days are in those alone',
  ]);
  const forgets = { ...EVENTS, event: { ...EVENTS.event, maxAge: '10d' }, retention: { days: 90, keys: '80d' } };
  expect(await problemsOf({ feed: forgets, s: delivered({}) })).toEqual([
    'error members.ledger.jobs.0: feed remembers which rows it delivered for 80 days (retention.keys), and 90 are asked for',
  ]);
});

test('the events must say by what the target knows their people', async () => {
  const feed = { ...EVENTS, retention: { days: 90 } };
  expect(await problemsOf({ feed, s: delivered({ id: 'partner_user_id' }) })).toEqual([
    'error members.ledger.id: the events of feed have no field partner_user_id, by which the target would know their people',
  ]);
  expect(await problemsOf({ feed, s: delivered({ jobs: ['s'] }) })).toEqual([
    'error members.ledger.jobs.0: s does not deliver events (sync-segment), so nobody comes from it',
  ]);
  expect(await problemsOf({ s: delivered({ jobs: ['fed'] }) })).toEqual([
    'warning members.ledger.jobs.0: no job file has the id fed; people whose rows it delivered before are taken all the same',
  ]);
});

test('of a job whose file has errors it is not said that there is none', async () => {
  for (const wrong of [{ retention: { days: '90d' } }, { retention: { days: '90d' }, id: 'feed' }]) {
    const said = await problemsOf({ [wrong.id ? 'other' : 'feed']: { ...EVENTS, ...wrong }, s: delivered({}) });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('error retention.days');
  }
});

test('a job of delivered members says nothing else of how they come, and has one segment', async () => {
  const feed = { ...EVENTS, retention: { days: 90 } };
  const found = async (more: object): Promise<string> =>
    (await problemsOf({ feed, s: delivered({}, more) })).join('\n');
  expect(await found({ members: { from: 'ledger' } })).toMatch(/members\.ledger: members\.from is ledger, which needs/);
  expect(await found({ segments: { a: 'A', b: 'B' } })).toMatch(/segments: members\.ledger says who is in one segment/);
  expect(await found({ file: { delimiter: '|' } })).toMatch(
    /file: the members are written to a file by Referry itself/,
  );
  const members = { from: 'ledger', id: 'email', ledger: { jobs: ['feed'], days: 90 } };
  expect(await found({ members })).toMatch(/members\.id: .*leave it out/);
  expect(await found({ members: { id: 'id', ledger: { jobs: ['feed'], days: 90 } } })).toMatch(
    /members\.ledger: members\.from is inbox, so these settings are not used/,
  );
});

test('an outbox of members is no inbox of any job', async () => {
  const SERVER = { password: `\${env:EXTOLE}`, hostKey: `SHA256:${'a'.repeat(43)}` };
  const files = (url: string, more: object = {}) => ({ target: { files: { account: 'crm', to: { url, ...more } } } });
  expect(await problemsOf({ own: job('own', files('file:///srv/own/inbox')) })).toEqual([
    'error target.files.to.url: the outbox is the inbox of this job; files of members would be taken for its input',
  ]);
  const other = { ...EVENTS, source: { ...SERVER, url: 'sftp://acme@sftp.example.com/in', match: '*.csv' } };
  const there = job('there', files('sftp://us@sftp.example.com:22/in/', SERVER));
  expect(await problemsOf({ there, events: other })).toEqual([
    'error target.files.to.url: the outbox is the inbox of events.yaml; files of members would be taken for its input',
  ]);
  expect(
    await problemsOf({ there: job('there', files('sftp://us@sftp.example.com/out', SERVER)), events: other }),
  ).toEqual([]);
  const sides = { members: { id: 'id', kind: 'changes', action: { folders: {} } } };
  expect(await problemsOf({ own: job('own', { ...sides, ...files('file:///srv/own/inbox/remove') }) })).toEqual([
    'error target.files.to.url: the outbox is the inbox of this job; files of members would be taken for its input',
  ]);
  const extoleFiles = {
    account: 'acme',
    audiences: { vip: 'A7' },
    sftp: { ...SERVER, url: 'sftp://us@sftp.example.com/audiences' },
  };
  const back = { ...EVENTS, source: { ...SERVER, url: 'sftp://us@sftp.example.com/audiences/A7/add', match: '*.csv' } };
  expect(await problemsOf({ to: job('to', { target: { extoleFiles } }), events: back })).toEqual([
    'error target.extoleFiles.sftp.url: the outbox is the inbox of events.yaml; files of members would be taken for its input',
  ]);
});

test('no folder of a job lies among those that its own files are taken from', async () => {
  const action = { folders: {} };
  const source = { url: 'file:///srv/a/inbox', match: '*.csv', archive: 'inbox/add' };
  const sides = { members: { id: 'id', kind: 'changes', action }, source, report: { to: 'inbox/remove' } };
  expect(await problemsOf({ a: job('a', sides) })).toEqual([
    'error source.archive: the archive folder is a folder of the inbox (inbox/add); what is put there would be taken as input again',
    'error report.to: the results folder is a folder of the inbox (inbox/remove); what is put there would be taken as input again',
  ]);
});

test('folders of an inbox have no dot in their name, which ends it in the name of a taken file', async () => {
  const action = { folders: { add: 'in', remove: 'in.gone' } };
  const [found] = await problemsOf({ a: job('a', { members: { id: 'id', kind: 'changes', action } }) });
  expect(found).toMatch(/members\.action\.folders\.remove.*without a slash or a dot/);
});
