import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkJobs, checkVanished } from '../../src/jobs/check.ts';
import { patternsOverlap } from '../../src/jobs/overlap.ts';
import { type Job, jobSchema } from '../../src/jobs/schema.ts';
import { suggest } from '../../src/jobs/suggest.ts';
import { matchPattern } from '../../src/remotes/stable.ts';

function job(id: string, source: object = {}, rest: object = {}): Job {
  const parsed = jobSchema.parse({
    pipeline: 'deliver-events',
    source: { url: 'file:///srv/inbox', match: `${id}-*.csv`, ...source },
    event: { name: 'x', key: 'id', time: 'at', data: { email: 'email' } },
    destination: { extole: { account: 'acme', token: 't' } },
    ...rest,
  });
  return { ...parsed, id, path: `jobs/${id}.yaml` };
}

/** Findings as `job path: message`. */
function findings(...jobs: Job[]): string[] {
  return checkJobs(jobs).map((finding) => `${finding.job.id} ${finding.path.join('.')}: ${finding.message}`);
}

test('jobs with patterns of their own share an inbox in peace', () => {
  expect(findings(job('a'), job('b'), job('c', { url: 'file:///srv/other/inbox', match: 'a-*.csv' }))).toEqual([]);
});

test('two jobs that may take the same files are told, unless both say that they share them', () => {
  const wide = { match: '*.csv' };
  expect(findings(job('a'), job('b', wide))).toEqual([
    'a source.match: the same files may match *.csv of b.yaml, which reads the same inbox',
    'b source.match: the same files may match a-*.csv of a.yaml, which reads the same inbox',
  ]);
  expect(findings(job('a', { shared: true }), job('b', wide))).toHaveLength(2);
  expect(findings(job('a', { shared: true }), job('b', { ...wide, shared: true }))).toEqual([]);
});

test('files that come encrypted do not go by a lane that needs them in clear on the disk, unless the job says so', () => {
  const encrypted = (lane: string, more: object = {}) =>
    job(
      'a',
      {},
      {
        file: { pgp: { privateKey: 'a key', ...more } },
        destination: { extole: { account: 'acme', token: 't', lane } },
      },
    );
  expect(findings(encrypted('batch'))).toEqual([
    'a file.pgp: the files come encrypted, and the lane batch uploads a file, which lies decrypted on this machine until then',
  ]);
  expect(findings(encrypted('batch', { allowPlaintextUploads: true }))).toEqual([]);
  expect(findings(encrypted('auto'))).toEqual([]);
});

test('the same inbox is seen behind another spelling of its url', () => {
  const sftp = (url: string, more: object = {}) =>
    job('a', { url, password: 'p', hostKey: `SHA256:${'a'.repeat(43)}`, match: '*.csv', ...more });
  const one = sftp('sftp://x@h.example.com/in/box');
  expect(findings(one, { ...sftp('sftp://y@h.example.com:22/in', { inbox: 'box/' }), id: 'b' })).toHaveLength(2);
  expect(findings(one, { ...sftp('sftp://y@h.example.com:2222/in/box'), id: 'b' })).toEqual([]);
  expect(findings(sftp('sftp://x@h.example.com/~/box'), { ...sftp('sftp://y@h.example.com/~/box'), id: 'b' })).toEqual(
    [],
  );
});

test('a lane needs its own settings, a way to log in, and a folder that Extole reads', () => {
  const lane = (extole: object): object => ({ destination: { extole: { account: 'acme', token: 't', ...extole } } });
  const sftp = (more: object = {}): object =>
    lane({
      lane: 'sftp',
      sftp: { url: 'sftp://acme@h.example.com/events', privateKey: 'k', hostKey: `SHA256:${'a'.repeat(43)}`, ...more },
    });
  expect(() => job('a', {}, lane({ lane: 'sftp' }))).toThrow(/the lane sftp needs its own settings: sftp/);
  expect(() => job('a', {}, lane({ lane: 'folder' }))).toThrow(/the lane folder needs its own settings: folder/);
  expect(findings(job('a', {}, sftp()))).toEqual([]);
  expect(findings(job('a', {}, sftp({ privateKey: undefined, hostKey: undefined })))).toEqual([
    'a destination.extole.sftp.privateKey: no way to log in: give privateKey, password or keyboardInteractive',
    expect.stringMatching(/^a destination\.extole\.sftp\.hostKey: an unknown server is not trusted/),
  ]);
  expect(findings(job('a', {}, sftp({ url: 'sftp://acme@h.example.com/dropbox' })))).toEqual([
    'a destination.extole.sftp.url: files go into the folder "dropbox"; Extole reads events from events and conversions, and ignores files elsewhere without a word',
  ]);
});

test('two jobs with one id are told in both files', () => {
  const other = { ...job('b'), id: 'a' };
  expect(findings(job('a'), other)).toEqual([
    'a id: the id a is also that of b.yaml',
    'a id: the id a is also that of a.yaml',
  ]);
});

test('a folder that would feed our own files back is told', () => {
  expect(findings(job('a', {}, { report: { to: 'inbox' } }))).toEqual([
    'a report.to: the results folder is the inbox (inbox); what is put there would be taken as input again',
  ]);
  expect(
    findings(
      job('a', { url: 'file:///srv/in', archive: '/srv/other/inbox' }),
      job('b', { url: 'file:///srv/other/inbox' }),
    ),
  ).toEqual(['a source.archive: the archive folder is the inbox of b.yaml']);
  expect(findings(job('a', { processing: 'archive' }))).toEqual([
    'a source.processing: processing and archive are the same folder (archive); files in work must be apart from finished ones',
  ]);
});

test('a server that could not be trusted or entered is told; the missing host key alone stops nothing', () => {
  const found = checkJobs([job('a', { url: 'sftp://x@h/inbox' })]);
  expect(found.map(({ path, severity }) => [path.join('.'), severity])).toEqual([
    ['source.privateKey', 'error'],
    ['source.hostKey', 'warning'],
  ]);
});

test('a key that is a person is a warning', () => {
  const event = { name: 'x', key: 'email', time: 'at', data: { email: 'email' } };
  expect(checkJobs([job('a', {}, { event })])).toMatchObject([{ severity: 'warning', path: ['event', 'key'] }]);
});

test('a job that vanished with open rows is told', () => {
  const known = [
    { job: 'a', open: 3 },
    { job: 'gone', open: 1 },
    { job: 'done', open: 0 },
  ];
  expect(checkVanished([job('a')], known)).toEqual([
    {
      job: 'gone',
      message: 'no job file has the id gone, which has 1 open row',
      hint: 'if the file was renamed, write id: gone into it',
    },
  ]);
});

describe('patterns', () => {
  test.each([
    ['a-*.csv', 'b-*.csv', false],
    ['a-*.csv', 'a-*.csv.gz', false],
    ['*.csv', 'a-*', true],
    ['a*b', '*c', false],
    ['a*', '*b*', true],
    ['x-{csv,psv}', 'x-?sv', true],
    ['x-{csv,psv}', 'x-tsv', false],
    ['[0-9]*.csv', '2026.csv', true],
    ['', '', true],
    ['*', '', true],
  ])('%j and %j overlap: %j', (a, b, expected) => {
    expect(patternsOverlap(a, b)).toBe(expected);
    expect(patternsOverlap(b, a)).toBe(expected);
  });

  test('overlap whenever a name matches both', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?', '.'), { maxLength: 7 }).map((parts) => parts.join(''));
    const name = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, pattern, name, (a, b, text) => {
        if (matchPattern(a)(text) && matchPattern(b)(text)) expect(patternsOverlap(a, b)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

test('what was probably meant is suggested, and nothing where that is a guess', () => {
  const known = ['hostKey', 'knownHosts', 'maxAge', 'match'];
  expect(
    ['hostkey', 'host_key', 'max-age', 'mach', 'knownHost', 'hsotKey'].map((name) => suggest(name, known)),
  ).toEqual(['hostKey', 'hostKey', 'maxAge', 'match', 'knownHosts', 'hostKey']);
  expect(['colour', 'x', ''].map((name) => suggest(name, known))).toEqual([undefined, undefined, undefined]);
});
