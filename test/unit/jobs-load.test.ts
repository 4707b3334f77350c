import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatProblem, loadJobs } from '../../src/jobs/load.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referry-jobs-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const JOB = `pipeline: deliver-events
schedule: "*/15 6-22 * * 1-5"
source:
  url: sftp://partner@sftp.example.com/inbox
  password: \${env:PASSWORD}
  hostKey: SHA256:${'a'.repeat(43)}
  match: "openings-*.csv"
event:
  name: account_opened
  key: id
  time: at
  data:
    email: email
destination:
  extole:
    account: acme
    token: \${env:TOKEN}
`;
const ENV = { PASSWORD: 'hunter22', TOKEN: 'tok-4711' };

/** Loads job files given by name; problems as lines without the folder. */
async function load(files: Record<string, string>, env: Record<string, string> = ENV) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const { jobs, problems } = await loadJobs(folder, env);
  return { jobs, problems, lines: problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, '')) };
}

test('a good job is loaded with its defaults, its id from the file name, and folders beside the inbox', async () => {
  const { jobs, lines } = await load({ 'openings.yaml': JOB });
  expect(lines).toEqual([]);
  expect(jobs).toMatchObject([
    {
      id: 'openings',
      path: join(folder, 'openings.yaml'),
      timezone: 'UTC',
      source: {
        url: 'sftp://partner@sftp.example.com/',
        inbox: 'inbox',
        archive: 'archive',
        processing: 'processing',
        refused: 'refused',
        password: 'hunter22',
        stable: { for: 60_000 },
        take: 'rename',
        shared: false,
      },
      event: { maxAge: 365 * 86_400_000 },
      destination: { extole: { token: 'tok-4711', lane: 'auto', container: 'production' } },
      delivery: { window: 256 },
      onConflict: 'refuse',
      report: { to: 'results', reports: 'reports' },
      failed: { maxAge: 7 * 86_400_000 },
      held: { maxAge: 30 * 86_400_000 },
      retention: { days: 30, keys: 400 * 86_400_000 },
    },
  ]);
});

describe('folders', () => {
  const foldersOf = async (source: string) => {
    const { jobs } = await load({ 'a.yaml': JOB.replace(/ {2}url: .*\n/, source) });
    const job = jobs[0];
    return job && [job.source.url, job.source.inbox, job.source.archive, job.report.to];
  };

  test.each([
    ['  url: sftp://p@h/a/b%20c/in/\n', ['sftp://p@h/a/b%20c', 'in', 'archive', 'results']],
    ['  url: sftp://p@h/~/inbox\n', ['sftp://p@h/~', 'inbox', 'archive', 'results']],
    ['  url: sftp://p@h\n', ['sftp://p@h', '.', 'archive', 'results']],
    ['  url: sftp://p@h/\n', ['sftp://p@h/', '.', 'archive', 'results']],
    ['  url: file:///srv/inbox\n', ['file:///srv', 'inbox', 'archive', 'results']],
    ['  url: sftp://p@h/a\n  inbox: x/in\n', ['sftp://p@h/a', 'x/in', 'x/archive', 'x/results']],
    ['  url: sftp://p@h/a\n  inbox: /x/in\n  archive: /y/\n', ['sftp://p@h/a', '/x/in', '/y', '/x/results']],
  ])('of %j', async (source, expected) => {
    expect(await foldersOf(source)).toEqual(expected);
  });
});

describe('every problem is listed with its line', () => {
  test('of every file, while good jobs are loaded', async () => {
    const bad = JOB.replace('name: account_opened', 'nmae: account_opened')
      .replace('hostKey', 'hostkey')
      .replace('openings-', 'b-');
    const { jobs, lines } = await load({ 'a.yaml': JOB, 'b.yaml': bad, 'c.yaml': 'pipeline: [', 'notes.txt': 'x' });
    expect(jobs.map(({ id }) => id)).toEqual(['a']);
    expect(lines).toContain('b.yaml:6:3 source.hostkey: there is no field "hostkey" in source (did you mean hostKey?)');
    expect(lines).toContain('b.yaml:9:3 event.nmae: there is no field "nmae" in event (did you mean name?)');
    expect(lines.filter((line) => line.startsWith('c.yaml:1:'))).toHaveLength(1);
  });

  test.each([
    ['key: id\n', 'key:\n', 'a.yaml:10:7 event.key: key has no value (The column with'],
    ['pipeline: deliver-events', 'pipeline: deliver', 'a.yaml:1:11 pipeline: found "deliver"; allowed: deliver-events'],
    ['  name: account_opened\n', '', 'a.yaml:8:1 event.name: one of name and nameFrom is needed; found neither'],
    ['event:\n  name: account_opened', 'event:\n  name: 5', 'a.yaml:9:9 event.name: found 5; expected text'],
    [
      '"*/15 6-22 * * 1-5"',
      '"* * * * * *"',
      'a.yaml:2:11 schedule: found "* * * * * *"; five fields are needed: minute, hour, day of month, month, day of week, such as "*/15 6-22 * * 1-5"',
    ],
    [
      '"*/15 6-22 * * 1-5"',
      '"61 * * * *"',
      'a.yaml:2:11 schedule: found "61 * * * *"; minute: allowed are 0 to 59, *, ranges (1-5), steps (*/2) and lists (1,3)',
    ],
    [
      '"*/15 6-22 * * 1-5"',
      '"0 6 * * monday"',
      'a.yaml:2:11 schedule: found "0 6 * * monday"; day of week: allowed are 0 to 7 or SUN to SAT, *, ranges (1-5), steps (*/2) and lists (1,3)',
    ],
    [
      '"*/15 6-22 * * 1-5"',
      '"*/90 * * * *"',
      'a.yaml:2:11 schedule: found "*/90 * * * *"; minute: allowed are 1 to 60',
    ],
    [
      'schedule:',
      'timezone: Mars/Base\nschedule:',
      'a.yaml:2:11 timezone: found "Mars/Base"; found "Mars/Base"; an IANA time zone is needed, such as America/New_York',
    ],
    ['  match: "openings-*.csv"\n', '', 'a.yaml:3:1 source.match: match is missing (Names of the files to take'],
    [
      '    email: email',
      '    email: { from: email, trimm: true }',
      'a.yaml:13:27 event.data.email.trimm: there is no field "trimm" in event.data.email (did you mean trim?)',
    ],
    [
      '    email: email',
      '    email: { from: email, type: mail }',
      'a.yaml:13:33 event.data.email.type: found "mail"; allowed: text, date, money, email, phone, integer (did you mean email?)',
    ],
    [
      '    email: email',
      '    email: email\n    code: { const: 007 }',
      'a.yaml:14:20 event.data.code.const: found 007, which YAML reads as the number 7 (write it in quotes: "007")',
    ],
    [
      'destination:',
      'retention: { keys: 300d }\ndestination:',
      'a.yaml:14:20 retention.keys: found "300d"; retention.keys is 300d and event.maxAge is 365d; keys must be remembered longer',
    ],
    [
      'destination:',
      'delivery: { window: many }\ndestination:',
      'a.yaml:14:21 delivery.window: found "many"; expected a number',
    ],
    [
      'destination:',
      'colour: red\ndestination:',
      'a.yaml:14:1 colour: there is no field "colour" in a job (a job may have: id, pipeline, ',
    ],
    ['destination:', 'event: {}\ndestination:', 'a.yaml:14:1 this is not valid YAML: Map keys must be unique'],
  ])('%j → %j', async (good, wrong, expected) => {
    const { jobs, lines } = await load({ 'a.yaml': JOB.replace(good, wrong) });
    expect(jobs).toEqual([]);
    expect(
      lines.some((line) => line.startsWith(expected)),
      lines.join('\n'),
    ).toBe(true);
  });

  test('of a folder that is missing or empty', async () => {
    const { problems } = await loadJobs(join(folder, 'nowhere'), {});
    expect(problems).toMatchObject([{ severity: 'error', message: 'there is no such folder' }]);
    expect((await load({})).problems).toMatchObject([
      { severity: 'error', message: 'there is no job file (*.yaml) in this folder' },
    ]);
  });
});

describe('references', () => {
  test('to a variable that is not set name the line and the variable, and nothing else is said of that field', async () => {
    const { jobs, lines } = await load({ 'a.yaml': JOB }, { TOKEN: '' });
    expect(jobs).toEqual([]);
    expect(lines).toEqual([
      'a.yaml:5:13 source.password: the environment variable PASSWORD is not set (set PASSWORD before starting)',
      'a.yaml:17:12 destination.extole.token: the environment variable TOKEN is empty (set TOKEN before starting)',
    ]);
  });

  test('have defaults, stand inside text, and may be numbers', async () => {
    const account = `"x-\${env:WHO:-acme}-\${env:TOKEN}"`;
    const text = `${JOB.replace('acme', account)}delivery: { window: "\${env:WINDOW:-64}" }\n`;
    const { jobs, lines } = await load({ 'a.yaml': text });
    expect(lines).toEqual([]);
    expect(jobs[0]).toMatchObject({
      destination: { extole: { account: 'x-acme-tok-4711' } },
      delivery: { window: 64 },
    });
  });

  test('to files are read, relative to the job file, without the last line end', async () => {
    await mkdir(join(folder, 'secrets'));
    await writeFile(join(folder, 'secrets/token'), 'from-file\n', { mode: 0o600 });
    const { jobs, lines } = await load({ 'a.yaml': JOB.replace(`\${env:TOKEN}`, `\${file:secrets/token}`) });
    expect(lines).toEqual([]);
    expect(jobs[0]?.destination.extole.token).toBe('from-file');
  });

  test('to a missing file say which', async () => {
    const { lines } = await load({ 'a.yaml': JOB.replace(`\${env:TOKEN}`, `\${file:gone}`) });
    expect(lines).toEqual([
      'a.yaml:17:12 destination.extole.token: the file gone does not exist (relative paths start at the folder of the job file)',
    ]);
  });

  test('X11: to a secret that everybody on the machine can read stop the job; one for the group is a warning', async () => {
    const file = join(folder, 'token');
    await writeFile(file, 'from-file');
    await chmod(file, 0o644);
    const job = JOB.replace(`\${env:TOKEN}`, `\${file:token}`);
    const open = await load({ 'a.yaml': job });
    expect(open.jobs).toEqual([]);
    expect(open.lines).toEqual([
      'a.yaml:17:12 destination.extole.token: the secret file token can be read by every user of this machine (mode 0644) (chmod 600 token)',
    ]);
    await chmod(file, 0o640);
    const group = await load({ 'a.yaml': job });
    expect(group.jobs).toHaveLength(1);
    expect(group.problems).toMatchObject([{ severity: 'warning' }]);
  });

  test('are how secrets should come: one in the job file is a warning, and stops the job where everybody can read it', async () => {
    const text = JOB.replace(`\${env:TOKEN}`, 'tok-plain');
    await writeFile(join(folder, 'a.yaml'), '', { mode: 0o640 });
    const { jobs, problems } = await load({ 'a.yaml': text });
    expect(jobs).toHaveLength(1);
    expect(problems).toMatchObject([{ field: 'destination.extole.token', severity: 'warning', line: 17 }]);
    await chmod(join(folder, 'a.yaml'), 0o644);
    const open = await load({ 'a.yaml': text });
    expect(open.jobs).toEqual([]);
    expect(open.lines).toEqual([
      expect.stringMatching(
        /^a\.yaml:17:12 destination\.extole\.token: a secret is written in the job file, which every user of this machine can read \(mode 0644\) \(chmod 600 a\.yaml, or/,
      ),
    ]);
    expect(JSON.stringify([problems, open])).not.toContain('tok-plain');
  });

  test('X11: a job file that every user of the machine may write stops its job; its group may', async () => {
    const path = join(folder, 'a.yaml');
    await writeFile(path, '');
    await chmod(path, 0o664);
    expect(await load({ 'a.yaml': JOB })).toMatchObject({ jobs: [{ id: 'a' }], lines: [] });
    await chmod(path, 0o666);
    expect(await load({ 'a.yaml': JOB })).toMatchObject({
      jobs: [],
      lines: ['a.yaml:1:1 this file can be written by every user of this machine (mode 0666) (chmod o-w a.yaml)'],
    });
  });

  test('never show what they stand for, however wrong it is', async () => {
    const secret = 'hunter two\u0000';
    const text = JOB.replace('SHA256:', `\${env:TOKEN}`)
      .replace('name: account_opened', `name: account_opened\n  maxAge: \${env:TOKEN}`)
      .replace('schedule: "*/15 6-22 * * 1-5"', `schedule: \${env:TOKEN}\ntimezone: \${env:TOKEN}`)
      .replace('sftp://partner@sftp.example.com/inbox', `\${env:TOKEN}`);
    const { jobs, problems } = await load(
      { 'a.yaml': text, 'b.yaml': JOB.replace(`\${env:TOKEN}`, 'hunter two') },
      { PASSWORD: 'p', TOKEN: secret },
    );
    expect(jobs).toEqual([]);
    expect(problems.length).toBeGreaterThan(5);
    expect(JSON.stringify(problems)).not.toContain('hunter two');
  });
});
