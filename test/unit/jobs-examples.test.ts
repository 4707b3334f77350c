import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fieldsAt, jobJsonSchema, schemaAt } from '../../src/jobs/json-schema.ts';
import { formatProblem, loadJobs } from '../../src/jobs/load.ts';
import { projectTemplate } from '../../src/jobs/template.ts';
import { linksTemplate } from '../../src/jobs/template-links.ts';
import { segmentsTemplate } from '../../src/jobs/template-segments.ts';

const FOLDER = new URL('../../jobs/', import.meta.url).pathname;
const ENV = {
  REFERRY_SFTP_URL: 'sftp://partner@127.0.0.1:2222/inbox',
  REFERRY_SFTP_PASSWORD: 'secret',
  REFERRY_SFTP_HOST_KEY: `SHA256:${'a'.repeat(43)}`,
  REFERRY_OUTBOX_URL: 'sftp://partner@127.0.0.1:2222/outbox',
  EXTOLE_TOKEN: 'token',
  HUBSPOT_TOKEN: 'token',
  BRAZE_API_KEY: 'key',
  BRAZE_PARTNER_KEY: 'key',
  BRAZE_IMPORT_KEY: 'key',
};

test('the example jobs load without a problem, each with files of its own', async () => {
  const { jobs, problems } = await loadJobs(FOLDER, ENV);
  expect(problems.map(formatProblem)).toEqual([]);
  expect(jobs.map(({ id, source, event }) => [id, source.match, event.name])).toEqual([
    ['account-fundings', 'account-fundings-*.psv', 'account_funded'],
    ['account-openings', 'account-openings-*.csv', 'account_opened'],
    ['audiences', 'audiences-*.psv', undefined],
    // Its match is not used: its customers come from HubSpot.
    ['hubspot-share-links', '*.csv', 'share link: newsletter'],
    ['order-shipments', 'order-shipments-*.csv.gz', 'shipped'],
    ['quote-submissions', 'quote-submissions-*.jsonl', 'quote_submitted'],
    ['share-links', 'customers-*.csv', 'share link: refer-a-friend'],
    ['vip-cohort', 'vip-*.csv', 'vip'],
  ]);
});

test('without the environment, every variable that is missing is named', async () => {
  const { jobs, problems } = await loadJobs(FOLDER, {});
  expect(jobs).toEqual([]);
  const named = new Set(problems.map(({ message }) => /variable (\w+) is not set/.exec(message)?.[1]));
  expect([...named].sort()).toEqual(Object.keys(ENV).sort());
});

test.each([
  ['deliver-events', 'example', () => projectTemplate(), ENV],
  [
    'export-share-links',
    'share-links',
    (folder: string) => linksTemplate(folder),
    { EXTOLE_TOKEN: 'token', HUBSPOT_TOKEN: 'token' },
  ],
  ['sync-segment', 'segments', (folder: string) => segmentsTemplate(folder), { EXTOLE_TOKEN: 'token' }],
] as const)('a new project of %s needs its variables, and nothing else', async (_, id, template, env) => {
  // A name that a URL has to write otherwise.
  const folder = await mkdtemp(join(tmpdir(), 'referry init #$&{'));
  try {
    for (const [path, text] of Object.entries(template(folder))) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const { jobs, problems } = await loadJobs(join(folder, 'jobs'), env);
    expect(problems).toEqual([]);
    expect(jobs.map((job) => job.id)).toEqual([id]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe('the JSON Schema for editors', () => {
  const schema = jobJsonSchema();

  test('beside the example jobs is the one that the program writes', async () => {
    const stored = JSON.parse(await readFile(join(FOLDER, 'job.schema.json'), 'utf8'));
    // If this fails: npm run -s referry -- schema > jobs/job.schema.json
    expect(stored).toEqual(JSON.parse(JSON.stringify(schema)));
  });

  test('is what every example job points at', async () => {
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
    for (const name of names) {
      expect(await readFile(join(FOLDER, name), 'utf8')).toMatch(
        /^# yaml-language-server: \$schema=\.\/job\.schema\.json\n/,
      );
    }
  });

  test('describes every field of a job', () => {
    const undescribed: string[] = [];
    const walk = (path: string[]) => {
      for (const field of new Set(fieldsAt(schema, path))) {
        const at = [...path, field];
        if (!schemaAt(schema, at).some(({ description }) => typeof description === 'string'))
          undescribed.push(at.join('.'));
        walk(at);
      }
    };
    walk([]);
    walk(['event', 'data', 'anything']);
    expect(undescribed).toEqual([]);
    expect(fieldsAt(schema, [])).toEqual(
      expect.arrayContaining(['source', 'file', 'event', 'destination', 'delivery', 'report', 'retention']),
    );
  });

  test('takes a reference wherever a value of a certain form is asked for', () => {
    const forms = JSON.stringify(schemaAt(schema, ['source', 'hostKey']));
    expect(forms).toContain('SHA256');
    expect(forms).toContain('env|file');
    expect(JSON.stringify(schemaAt(schema, ['delivery', 'window']))).toContain('env|file');
  });
});
