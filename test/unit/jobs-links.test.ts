import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseStoredDefinition, storedDefinition } from '../../src/jobs/definition.ts';
import { formatProblem, loadJobs } from '../../src/jobs/load.ts';
import { fromEnv } from '../integration/support/usual-job.ts';

const JOB = `pipeline: export-share-links
schedule: "0 6 * * *"
source:
  url: file:///srv/crm/inbox
  match: "customers-*.csv"
customers:
  email: email
  partnerUserId: member
  columns: { first_name: "First Name" }
links:
  label: refer-a-friend
  code: { template: "{first_name}{employee_id}" }
destination:
  extole: { account: acme, token: "${fromEnv('EXTOLE_TOKEN')}" }
`;

describe('jobs of share links', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'referry-jobs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const load = async (text: string) => {
    writeFileSync(join(folder, 'a.yaml'), text);
    const { jobs, problems } = await loadJobs(folder, { EXTOLE_TOKEN: 'secret-token' });
    return { jobs, lines: problems.map((problem) => formatProblem(problem).replace(`${folder}/`, '')) };
  };

  test('a job has the shape in which files travel, and names the columns that its texts need', async () => {
    const { jobs, lines } = await load(JOB);
    expect(lines).toEqual([]);
    const [job] = jobs;
    expect(job).toMatchObject({
      pipeline: 'export-share-links',
      source: { inbox: 'inbox', url: 'file:///srv/crm' },
      report: { to: 'results' },
      links: { label: 'refer-a-friend', token: 'secret-token', requestsPerMinute: 100, patience: 60_000 },
      onConflict: 'first-wins',
      event: {
        customers: true,
        name: 'share link: refer-a-friend',
        email: 'email',
        partnerUserId: 'member',
        columns: { first_name: 'First Name', employee_id: 'employee_id' },
      },
    });
  });

  test('what is stored with a file has how its rows are read, and no secret', async () => {
    const { jobs } = await load(JOB);
    const [job] = jobs;
    if (!job) throw new Error('the job was not loaded');
    const { body } = storedDefinition(job);
    expect(body).not.toContain('secret-token');
    expect(parseStoredDefinition(body).event).toEqual(job.event);
  });

  test.each([
    [
      'pipeline: export-share-links',
      'pipeline: export-links',
      'a.yaml:1:11 pipeline: found "export-links"; allowed: deliver-events, export-share-links',
    ],
    ['  match: "customers-*.csv"\n', '', 'a.yaml:3:1 source.match: names of the customer files are needed'],
    [
      '  email: email\n  partnerUserId: member\n',
      '',
      'customers: found {"columns":{"first_name":"First Name"}}; a person is needed: name the column of email',
    ],
    [
      '  email: email\n',
      '  emial: email\n',
      'a.yaml:7:3 customers.emial: there is no field "emial" in customers (did you mean email?)',
    ],
    [
      '  email: email\n',
      '  from: hubspot\n',
      'customers.hubspot: customers.from is hubspot, which needs its settings here',
    ],
    [
      '  email: email\n',
      '  from: hubspto\n',
      'customers.from: found "hubspto"; allowed: inbox, hubspot, ledger (did you mean hubspot?)',
    ],
    ['  email: email\n', '', 'links.person.identity: people are made by email, which customers do not have'],
    ['  label: refer-a-friend\n', '', 'a.yaml:10:1 links.label: label is missing'],
    ['links:\n', 'event: { name: x }\nlinks:\n', 'a.yaml:10:1 event: there is no field "event" in a job'],
    [
      'links:\n',
      'retention: { links: 100d }\nlinks:\n',
      'retention.links: found "100d"; retention.links is 100d and retention.keys is 400d',
    ],
    [
      '"{first_name}{employee_id}"',
      '"{first_name"',
      'links.code.template: found "{first_name"; expected text with columns in braces',
    ],
    [
      `token: "${fromEnv('EXTOLE_TOKEN')}" }`,
      'token: "x", lane: events }',
      'destination.extole.lane: there is no field "lane" in destination.extole',
    ],
  ])('%j → %j', async (from, to, expected) => {
    const { lines } = await load(JOB.replace(from, to));
    expect(
      lines.some((line) => line.includes(expected)),
      lines.join('\n'),
    ).toBe(true);
  });
});
