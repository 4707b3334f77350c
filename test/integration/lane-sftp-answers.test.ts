import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { type LaneOptions, type LaneWorld, openLaneWorld } from './support/lane-world.ts';

let lane: LaneWorld;

const open = async (options: Omit<LaneOptions, 'lane'> = {}): Promise<void> => {
  lane = await openLaneWorld({ lane: 'sftp', ...options });
};

afterEach(async () => {
  await lane.world.close();
});

const isRow =
  (...numbers: number[]) =>
  ({ number }: { number: number }): boolean =>
    numbers.includes(number);

describe('answers of the lane sftp that are not as they should be', () => {
  it('a row without a line is held as NO_PROOF when its time is over, and the difference is told', async () => {
    await open({ extoleSftp: { missing: isRow(2) }, upload: { proofTimeout: '500ms' } });
    lane.world.drop('a.csv', csv(rows('A', 4)));
    const { code, run } = await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 delivered', '3 held NO_PROOF', '4 delivered', '5 delivered']);
    expect(lane.results()[1]?.reason).toMatch(/Extole has taken the file, and its results do not speak of this row/);
    expect(code).toBe(3);
    expect(run).toMatchObject({ delivered: 3, held: 1, balanced: true });
    const report = lane.world.read((run.reportPath ?? '').replace(/^.*\/(reports\/.*)html$/, '$1json')).toString();
    expect(report).toMatch(/RESULTS_MISMATCH/);
    expect(report).toMatch(
      /4 rows were sent, the results have 3 lines: 3 accepted, 0 refused, 1 of our rows without an answer/,
    );
  });

  it('a line that comes late, in a second file, completes the first', async () => {
    await open({ extoleSftp: { late: isRow(1, 3), lateAfterMs: 500 } });
    lane.world.drop('a.csv', csv(rows('A', 4)));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ delivered: 4, held: 0, balanced: true });
    expect(lane.atExtole('results')).toHaveLength(2);
    expect(new Set(lane.results().map(({ eventId }) => eventId.replace(/:\d+$/, '')))).toHaveLength(2);
  });

  it('a line that comes after the row was held still counts, and gives a new revision', async () => {
    await open({ extoleSftp: { late: isRow(3), lateAfterMs: 1800 }, upload: { proofTimeout: '500ms' } });
    lane.world.drop('a.csv', csv(rows('A', 4)));
    const first = await lane.world.run('feed');
    expect(first.run).toMatchObject({ delivered: 3, held: 1 });
    expect(fates(lane.results())[2]).toBe('4 held NO_PROOF');
    await expect.poll(() => lane.atExtole('results'), { timeout: 5000 }).toHaveLength(2);
    const second = await lane.world.run('feed');
    expect(second.run).toMatchObject({ carriedIn: 1, delivered: 1, held: 0, balanced: true });
    expect(fates(lane.results('a.csv.results.r2.csv'))).toEqual([
      '2 delivered',
      '3 delivered',
      '4 delivered',
      '5 delivered',
    ]);
    const third = await lane.world.run('feed');
    expect(third.run).toMatchObject({ files: [], read: 0 });
  });

  it('a late line about a row that a person has rejected meanwhile changes nothing, and is told', async () => {
    await open({ extoleSftp: { missing: isRow(1, 2) }, upload: { proofTimeout: '400ms' } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    await lane.world.run('feed');
    await lane.world.cli(['reject', 'a.csv', '--line', '2', '--reason', 'not ours']);
    const [header, first, second] = lane.archived().split('\n');
    const [name = ''] = lane.atExtole('results');
    const late = join(lane.world.extoleSftp?.root ?? '', 'events/results', name.replace('.csv', '-2.csv'));
    writeFileSync(late, `status,message,${header}\nSUCCESS,,${first}\nSUCCESS,,${second}\n`);
    const { run } = await lane.world.run('feed');
    expect(fates(lane.results('a.csv.results.r3.csv'))).toEqual([
      '2 rejected OPERATOR_REJECTED',
      '3 delivered',
      '4 delivered',
    ]);
    const report = lane.world.read((run.reportPath ?? '').replace(/^.*\/(reports\/.*)html$/, '$1json')).toString();
    expect(report).toMatch(/1 that say otherwise than what was decided or known before/);
  });

  it('a no to a row that left before without an answer is no answer to that: it is held and keeps its key, and a person may say that it is there', async () => {
    let refused = false;
    await open({
      extoleSftp: {
        missing: ({ number, values }) => !refused && number === 2 && values.partner_conversion_id === 'A-0002',
        refuseRow: ({ values }) =>
          refused && values.partner_conversion_id !== 'B-0001'
            ? { code: 'duplicate_conversion', message: 'duplicate_conversion: there is one' }
            : undefined,
      },
      upload: { proofTimeout: '3s' },
    });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 delivered', '3 held NO_PROOF', '4 delivered']);
    refused = true;
    await lane.world.cli(['release', 'a.csv', '--reason', 'not seen at Extole']);
    expect(fates(lane.results('a.csv.results.r2.csv'))).toEqual([
      '2 delivered',
      '3 held UNKNOWN_DELIVERY',
      '4 delivered',
    ]);
    expect(lane.results('a.csv.results.r2.csv')[1]?.reason).toMatch(/duplicate_conversion.*may have been accepted/);
    // Its key is not free, and a row that was never sent before is refused as ever.
    lane.world.drop('b.csv', csv([...rows('A', 2), ...rows('C', 1)]));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ duplicate: 2, rejected: 1, balanced: true });
    const confirmed = await lane.world.cli(['confirm', 'a.csv', '--line', '3', '--reason', 'found there']);
    expect(confirmed.code, confirmed.stderr).toBe(0);
    expect(fates(lane.results('a.csv.results.r3.csv'))).toEqual(['2 delivered', '3 delivered', '4 delivered']);
  });

  it('rows that are released go in a file of their own, and are waited for without a word until the answer comes', async () => {
    await open({ extoleSftp: { silent: true }, upload: { wait: '700ms', proofTimeout: '300ms' } });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 held NO_PROOF', '3 held NO_PROOF']);
    lane.job({ wait: '0s' });
    lane.folder.behaviour.asleep = true;
    lane.folder.behaviour.silent = false;
    await lane.world.cli(['release', 'a.csv', '--reason', 'not at Extole']);
    const [waiting = '', ...more] = lane.atExtole('');
    expect([waiting.slice(-9), more]).toEqual(['-p1-2.csv', []]);
    const reports = lane.world.files('reports').length;
    const quiet = await lane.world.run('feed');
    expect(quiet.code).toBe(0);
    expect(quiet.run.files).toMatchObject([{ path: 'a.csv', state: 'open', open: 2 }]);
    expect(lane.world.files('reports')).toHaveLength(reports);
    lane.folder.behaviour.asleep = false;
    await lane.folder.look();
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ carriedIn: 2, delivered: 2, open: 0, balanced: true });
    expect(fates(lane.results('a.csv.results.r2.csv'))).toEqual(['2 delivered', '3 delivered']);
  });

  it('a file that failed as a whole holds its rows, with what Extole says', async () => {
    await open({ extoleSftp: { refuseFile: () => 'Incorrect file encoding. Expected: UTF-8' } });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ held: 2, delivered: 0, balanced: true });
    expect(fates(lane.results())).toEqual(['2 held EXTOLE_FILE_REFUSED', '3 held EXTOLE_FILE_REFUSED']);
    expect(lane.results()[0]?.reason).toMatch(/as a whole: FAILURE: Incorrect file encoding\. Expected: UTF-8/);
  });

  it('a file taken for a duplicate is held for a person, also where Extole writes no header above that', async () => {
    const refuseFile = (name: string): string => `Duplicate file: ${name} was already processed`;
    await open({ extoleSftp: { metadataHeader: false, refuseFile } });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 held EXTOLE_DUPLICATE_FILE', '3 held EXTOLE_DUPLICATE_FILE']);
  });

  it.each([
    ['stranger', /1 for rows that were not sent/],
    ['twice', /3 for a row that has a line already/],
  ] as const)('lines too many (%s) change no row, and are told', async (surplus, told) => {
    await open({ extoleSftp: { surplus } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ delivered: 3, balanced: true });
    const report = lane.world.read((run.reportPath ?? '').replace(/^.*\/(reports\/.*)html$/, '$1json')).toString();
    expect(report).toMatch(told);
  });

  it.each([1, 40])('half a results file of %i rows is not taken for a whole one, nor for a refusal', async (count) => {
    // With this layout, half of a file of one row ends within its header.
    await open({ extoleSftp: { layout: 'result-error-row', halfWrittenMs: 400 }, upload: { stable: '2s' } });
    lane.world.drop('a.csv', csv(rows('A', count)));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ delivered: count, held: 0, balanced: true, notices: [] });
  });

  it('words that are not understood hold their rows; once the job says which column counts, the same results file answers the rows that were held for it', async () => {
    const layout = {
      names: ['verdict', 'note'],
      cells: ({ number }: { number: number }) => [number === 1 ? 'nope' : 'fine', 'why'],
      metadata: (message: string) => [message],
    };
    await open({ extoleSftp: { layout } });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 held RESULTS_UNREADABLE', '3 held RESULTS_UNREADABLE']);
    expect(lane.results()[0]?.reason).toMatch(/"verdict", "note".*upload\.results\.statusColumn/);
    lane.job({ results: { statusColumn: 'verdict', messageColumn: 'note', success: ['fine'], failure: ['nope'] } });
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ carriedIn: 2, delivered: 1, rejected: 1, balanced: true });
    expect(fates(lane.results('a.csv.results.r2.csv'))).toEqual(['2 rejected EXTOLE_ROW_FAILED', '3 delivered']);
    expect(lane.results('a.csv.results.r2.csv')[0]?.reason).toBe('why');
  });

  it('a job may say which column and words count; a word that is neither holds its row alone', async () => {
    const layout = {
      names: ['verdict', 'note'],
      cells: ({ number }: { number: number }) => [number === 1 ? 'maybe' : 'fine', ''],
      metadata: (message: string) => [message],
    };
    await open({ extoleSftp: { layout }, upload: { results: { statusColumn: 'Verdict', success: ['fine'] } } });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 held RESULTS_UNREADABLE', '3 delivered']);
    expect(lane.results()[0]?.reason).toMatch(/found "maybe"/);
  });

  it('a file in a folder that Extole does not read is said to be there still', async () => {
    await open({ upload: { proofTimeout: '600ms' } });
    const { settings } = lane.world.extoleSftp ?? {};
    lane.job(
      { proofTimeout: '600ms' },
      {
        destination: {
          extole: {
            lane: 'sftp',
            sftp: { ...settings, url: settings?.url.replace(/events$/, 'dropbox') },
            upload: { wait: '10s', poll: '100ms', proofTimeout: '600ms' },
          },
        },
      },
    );
    lane.world.drop('a.csv', csv(rows('A', 1)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 held NO_PROOF']);
    expect(lane.results()[0]?.reason).toMatch(/still in .*dropbox.*Extole does not read this folder/);
  });

  it('results under a name that tells of no file are left alone, and those renamed to it are read', async () => {
    await open({ extoleSftp: { resultsName: () => 'outcome.csv' }, upload: { wait: '0s' } });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ open: 2 });
    await expect.poll(() => lane.atExtole('results')).toEqual(['outcome.csv']);
    const at = join(lane.world.extoleSftp?.root ?? '', 'events/results');
    const [name = ''] = lane.atExtole('archive');
    writeFileSync(join(at, 'unrelated.csv'), 'x\n');
    renameSync(join(at, 'outcome.csv'), join(at, `processed-${name}`));
    const second = await lane.world.run('feed');
    expect(second.run).toMatchObject({ carriedIn: 2, delivered: 2 });
  });
});
