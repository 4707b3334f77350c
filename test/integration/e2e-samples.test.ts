import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, startCli } from './support/e2e-cli.ts';
import { ISO_TIME, type ResultLine } from './support/e2e-results.ts';
import { readSamples, resultsOf } from './support/e2e-samples.ts';

const ofMembers = (name: string): boolean => /^(?:vip|audiences)-/.test(name);
/** Of the files that say who is in a segment, all but the newest are not dropped again. */
const outdated = (name: string): boolean => ofMembers(name) && name.includes('20261120');

describe('the demo: every example job on its sample files, twice', () => {
  const root = mkdtempSync(join(tmpdir(), 'referry-demo-'));
  const samples = readSamples();
  const runs: { end: CliResult; sent: number }[] = [];
  const requests = (): { body: { data: Record<string, string> }; eventId: string }[] =>
    readFileSync(join(root, 'extole/received.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const inProduction = () => requests().filter(({ body }) => body?.data?.container === 'production');
  const published = (name: string): Buffer => readFileSync(join(root, 'sftp/results', name));

  beforeAll(async () => {
    for (let run = 1; run <= 2; run++) {
      const end = await startCli(['demo', '--root', root], {}).done;
      runs.push({ end, sent: inProduction().length });
    }
  }, 180_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('ends well, and leaves nothing of its input where it was dropped', () => {
    for (const { end } of runs) expect(end.code, end.stderr + end.stdout).toBe(0);
    expect(samples.length).toBeGreaterThanOrEqual(11);
    expect(readdirSync(join(root, 'sftp/inbox'))).toEqual([]);
    expect(readdirSync(join(root, 'sftp/processing'))).toEqual([]);
    const refused = samples.filter(({ refused }) => refused).length;
    const once = samples.filter(({ name }) => outdated(name)).length;
    expect(readdirSync(join(root, 'sftp/archive'))).toHaveLength(2 * (samples.length - refused) - once);
    expect(readdirSync(join(root, 'sftp/refused'))).toHaveLength(2 * refused);
    expect(runs[0]?.end.stdout).toMatch(/Balanced: [\d,]+ read = /);
  });

  it('sends each delivered row once, and in the second run nothing at all', () => {
    const files = samples.filter(({ name }) => !name.startsWith('customers-') && !ofMembers(name));
    const delivered = files.flatMap(({ expected }) => expected.filter(({ outcome }) => outcome === 'delivered'));
    expect(delivered.length).toBeGreaterThan(3000);
    expect(runs.map(({ sent }) => sent)).toEqual([delivered.length, delivered.length]);
    expect(runs[1]?.end.stdout).toMatch(/sent to the Extole stand-in in this run: 0 requests/);
  });

  it('makes the segments at Braze and Extole what the files of both days say', () => {
    const rowsOf = (name: string, separator: string): string[][] =>
      (samples.find((sample) => sample.name === name)?.expected ?? []).flatMap(({ outcome, input }) =>
        outcome === 'delivered' ? [input.split(separator)] : [],
      );
    const cohorts = JSON.parse(readFileSync(join(root, 'braze/cohorts.json'), 'utf8'));
    const today = rowsOf('vip-20261121.csv', ',').map(([id = '']) => `external_id ${id}`);
    expect(cohorts).toEqual([expect.objectContaining({ id: 'vip', name: 'VIP customers' })]);
    expect(cohorts[0].members.toSorted()).toEqual(today.sort());
    const wanted = new Map<string, Set<string>>([
      ['newsletter', new Set()],
      ['lapsed', new Set()],
    ]);
    for (const day of ['20261120', '20261121'])
      for (const [email = '', segment = '', action = ''] of rowsOf(`audiences-${day}.psv`, '|'))
        wanted.get(segment)?.[action === 'remove' ? 'delete' : 'add'](email.toLowerCase());
    const audiences: { name: string; members: string[] }[] = JSON.parse(
      readFileSync(join(root, 'extole/audiences.json'), 'utf8'),
    );
    const at = (name: string): string[] | undefined => audiences.find((each) => each.name === name)?.members.toSorted();
    expect(audiences).toHaveLength(2);
    expect(at('Newsletter readers')).toEqual([...(wanted.get('newsletter') ?? [])].sort());
    expect(at('Lapsed customers')).toEqual([...(wanted.get('lapsed') ?? [])].sort());
    expect(runs[0]?.end.stdout).toMatch(
      /^segment vip, vip-20261121\.csv: 402 members before \+ 24 added - 30 removed = 396/m,
    );
    expect(runs[1]?.end.stdout).toMatch(
      /^segment vip, vip-20261121\.csv: 396 members before \+ 0 added - 0 removed = 396/m,
    );
  });

  it('makes a link for each customer, and puts all of them into files for five tools, once', () => {
    const outbox = join(root, 'sftp/outbox');
    const manifests = readdirSync(outbox).filter((name) => name.endsWith('.manifest.json'));
    expect(readdirSync(outbox)).toHaveLength(2 * manifests.length);
    const customers = resultsOf('customers-20261120.csv').read(published('customers-20261120.csv.results.csv'));
    const given = customers.flatMap(({ outcome, eventId }) => (outcome === 'delivered' ? [eventId] : []));
    expect(given.length).toBeGreaterThan(190);
    expect(new Set(given).size).toBe(given.length);
    const inFiles: Record<string, string[]> = {};
    for (const name of manifests) {
      const manifest: { format: string; rows: number; files: { name: string; sha256: string }[] } = JSON.parse(
        readFileSync(join(outbox, name), 'utf8'),
      );
      const [file = { name: '', sha256: '' }] = manifest.files;
      const bytes = readFileSync(join(outbox, file.name));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
      const rows: Record<string, string>[] = parse(bytes, { columns: true });
      expect(rows).toHaveLength(manifest.rows);
      inFiles[manifest.format] = rows.map((row) => row.share_link ?? row.extole_share_link ?? '');
    }
    const five = ['braze-csv', 'hubspot-csv', 'iterable-csv', 'klaviyo-csv', 'sfmc-csv'];
    expect(Object.keys(inFiles).sort()).toEqual(five);
    const ofHubspot: string[] =
      readFileSync(join(root, 'hubspot/received.jsonl'), 'utf8').match(/https:\/\/share[^"]+/g) ?? [];
    expect(ofHubspot).toHaveLength(5);
    expect(given.filter((link) => ofHubspot.includes(link))).toEqual([]);
    for (const links of Object.values(inFiles)) {
      expect(new Set(links).size).toBe(links.length);
      expect(links.filter((link) => !given.includes(link))).toEqual([]);
    }
    // Two customers have no e-mail; Braze knows people by the id, which one customer lacks.
    expect(inFiles['klaviyo-csv']).toHaveLength(given.length - 2);
    expect(inFiles['braze-csv']).toHaveLength(given.length - 1);
  });

  for (const sample of samples) {
    it(`${sample.name}: each row has the expected outcome and code, and its input untouched`, () => {
      const { name, read } = resultsOf(sample.name);
      const lines = read(published(name));
      expect(lines.map(({ line, outcome, code }) => `${line} ${outcome} ${code}`)).toEqual(
        sample.expected.map(({ line, outcome, code }) => `${line} ${outcome} ${code}`),
      );
      if (!sample.refused) expect(lines.map(({ input }) => input)).toEqual(sample.expected.map(({ input }) => input));
      if (sample.name.startsWith('customers-')) {
        for (const each of lines) expectLink(each);
        return;
      }
      if (ofMembers(sample.name)) {
        for (const each of lines) if (each.outcome === 'delivered') expect(each.eventId).toMatch(/^s\d+$/);
        return;
      }
      const taken = new Map(inProduction().map((request) => [request.eventId, request.body.data]));
      for (const each of lines) expectVolatile(each, taken);
    });

    if (outdated(sample.name)) continue;
    it(`${sample.name}: dropped again, delivered rows are duplicates and all others keep their outcome and reason`, () => {
      const first = resultsOf(sample.name);
      const again = resultsOf(sample.name, '.r2');
      const before = first.read(published(first.name));
      // What is the same to the byte needs no second file: such is the refusal, but for its time.
      const after = again.read(published(existsSync(join(root, 'sftp/results', again.name)) ? again.name : first.name));
      expect(after.map(({ line, input }) => ({ line, input }))).toEqual(
        before.map(({ line, input }) => ({ line, input })),
      );
      for (const [i, { outcome, code, reason, eventId }] of before.entries()) {
        if (outcome === 'delivered' && !ofMembers(sample.name))
          expect(after[i]).toMatchObject({ outcome: 'duplicate', code: 'DUPLICATE', eventId });
        else expect(after[i]).toMatchObject({ outcome, code, reason });
      }
    });
  }
});

/** A delivered customer has a link, which stands where events have their ids. */
function expectLink(each: ResultLine): void {
  expect(each.at).toMatch(ISO_TIME);
  if (each.outcome === 'delivered') expect(each.eventId).toMatch(/^https:\/\/share\.acme\.example\/[\w-]{4,50}$/);
  else expect(each.reason.length, `reason of line ${each.line}`).toBeGreaterThan(5);
}

/** Ids, times and tries differ from run to run, but not in what they look like. */
function expectVolatile(each: ResultLine, taken: ReadonlyMap<string, Record<string, string>>): void {
  expect(each.at).toMatch(ISO_TIME);
  if (each.outcome === 'delivered') {
    expect(each).toMatchObject({ reason: '', attempts: 1 });
    expect(taken.get(each.eventId)?.partner_conversion_id, `event of line ${each.line}`).toBeTruthy();
    expect(each.input).toContain(JSON.stringify(taken.get(each.eventId)?.partner_conversion_id).slice(1, -1));
    return;
  }
  expect(each.reason.length, `reason of line ${each.line}`).toBeGreaterThan(5);
  expect(each.attempts).toBe(0);
  if (each.outcome !== 'duplicate') expect(each.eventId).toBe('');
}
