import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeReport, type ReportOptions } from '../../src/commands/make-report.ts';
import { createLog, realIo } from '../../src/io.ts';
import { readSettings } from '../../src/settings.ts';
import { until } from './support/e2e-cli.ts';
import { startDaemon, timesTold } from './support/e2e-daemon.ts';
import { csv, type Row, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { runHere, seeTo } from './support/notices-world.ts';

const DAY = 86_400_000;
const ZONE = 'America/New_York';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  world.job('feed', { timezone: ZONE, report: { morning: '06:30' } });
});
afterEach(() => world.close());

const dayIn = (ms: number): string => new Intl.DateTimeFormat('en-CA', { timeZone: ZONE }).format(ms);

function inLedger(sql: string, ...values: (string | number)[]): void {
  const db = new Database(world.ledger);
  db.prepare(sql).run(...values);
  db.close();
}

/** Exact sum of the amounts of rows, without the program's own arithmetic. */
function cents(list: readonly Row[]): string {
  const sum = list.reduce((total, { amount }) => total + BigInt(amount.replace('.', '')), 0n);
  return `${sum / 100n}.${String(sum % 100n).padStart(2, '0')}`;
}

const records = (text: string): Record<string, string>[] =>
  parse(text, { bom: true, columns: true, record_delimiter: '\r\n' });
const reports = (): string[] => world.files('reports').filter((name) => name.includes('.morning.'));

describe('the morning report', () => {
  it('is published by the daemon at its time, made up once after it was down, with the money to the cent', async () => {
    const first = [...rows('A', 7), row('A-0099', { amount: '90071992547409.93' })];
    const refused = rows('R', 2).map((each) => ({ ...each, email: 'none', member: '' }));
    world.drop('a.csv', csv([...first, ...refused]), 90);
    world.drop('b.csv', '"id\n', 60);
    expect(await runHere(world, 'feed')).toBe(3);
    const yesterday = Date.now() - DAY;
    inLedger('UPDATE processings SET opened_at = ?', yesterday);
    // It was down for three mornings.
    inLedger("INSERT INTO watch_marks VALUES ('feed', 'morning', ?)", Date.now() - 3 * DAY);

    const daemon = await startDaemon(world);
    await until('the report', () => timesTold(daemon, 'morning report published') === 1);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    const names = reports();
    expect(names).toHaveLength(3);
    const day = /^feed\.(\d{4}-\d\d-\d\d)\.morning\.csv$/.exec(names[0] ?? '')?.[1] ?? '';
    // It is about the day before the newest half past six.
    const json: { day: string; days: { day: string; counts: object; balanced: boolean }[] } = JSON.parse(
      world.read(`reports/feed.${day}.morning.json`).toString(),
    );
    expect(json.day).toBe(day);
    expect(json.days).toHaveLength(30);

    // Before half past six, the files of yesterday are in the next report.
    const lines = records(world.read(`reports/feed.${day}.morning.csv`).toString());
    const record = day === dayIn(yesterday) ? 'day' : 'since';
    const told = lines.find((line) => line.record === record && line.read === '10');
    expect(told).toMatchObject({ files: '2', delivered: '8', rejected: '2', balanced: 'yes' });
    const money = lines.filter((line) => line.record === 'money');
    expect(money.map(({ currency, delivered, read }) => [currency, delivered, read])).toEqual([
      ['USD', cents(first), cents([...first])],
    ]);
    expect(lines.find((line) => line.record === 'waiting' && line.state === 'files refused')?.files).toBe('1');
    const page = world.read(`reports/feed.${day}.morning.html`).toString();
    expect(page).toContain('Morning report');

    const next = await startDaemon(world);
    await new Promise((resolve) => setTimeout(resolve, 300));
    next.kill('SIGTERM');
    await next.done;
    expect(timesTold(next, 'morning report published')).toBe(0);
    expect(reports()).toEqual(names);
  });

  it('comes each morning, for the day before, also over a change of the clocks; later while the server is down', async () => {
    await runHere(world, 'feed');
    const at = (iso: string): number => Date.parse(iso);
    await seeTo(world, at('2026-10-31T09:00:00Z'));
    await seeTo(world, at('2026-10-31T10:29:00Z'));
    expect(reports()).toEqual([]);
    await seeTo(world, at('2026-10-31T10:30:00Z'));
    expect(reports().filter((name) => name.endsWith('.html'))).toEqual(['feed.2026-10-30.morning.html']);
    // The clocks were set back an hour at two.
    await seeTo(world, at('2026-11-01T11:29:00Z'));
    expect(reports()).toHaveLength(3);
    renameSync(world.served, `${world.served}.away`);
    await seeTo(world, at('2026-11-01T11:30:00Z'));
    expect(existsSync(world.served)).toBe(false);
    renameSync(`${world.served}.away`, world.served);
    await seeTo(world, at('2026-11-01T11:30:30Z'));
    expect(reports()).toHaveLength(3);
    await seeTo(world, at('2026-11-01T11:31:00Z'));
    expect(reports().filter((name) => name.endsWith('.html'))).toEqual([
      'feed.2026-10-30.morning.html',
      'feed.2026-10-31.morning.html',
    ]);
  });

  it('by hand: counts rows that went through later on the day of their file, and says that its results were revised', async () => {
    world.extole.setFaults(({ body }) => (body.includes('"F-0002"') ? { kind: 'status', status: 408 } : undefined));
    world.job('feed', { timezone: ZONE, delivery: { maxAttempts: 1 } });
    const at = new Date(Date.now() - 5 * DAY).toISOString();
    world.drop('f.csv', csv(rows('F', 3).map((each) => ({ ...each, at }))));
    expect(await runHere(world, 'feed')).toBe(3);
    const came = Date.now() - 2 * DAY;
    inLedger('UPDATE processings SET opened_at = ?', came);
    const out = join(world.root, 'out');
    const report = (...more: string[]) => world.cli(['report', 'feed', '--day', 'today', '--days', '5', ...more]);
    const days = async () => {
      const told = (await report('--json')).json();
      const days: { day: string; counts: Record<string, number>; revised: { files: number } }[] = JSON.parse(
        JSON.stringify(told.days),
      );
      return days.filter((day) => day.counts.read !== 0);
    };
    expect(await days()).toMatchObject([
      { day: dayIn(came), counts: { delivered: 2, failed: 1 }, revised: { files: 0 } },
    ]);
    world.extole.setFaults(undefined);
    const retried = await world.cli(['retry', 'feed']);
    expect(retried.code, retried.stderr).toBe(0);
    expect(await days()).toMatchObject([
      { day: dayIn(came), counts: { delivered: 3, failed: 0 }, revised: { files: 1 } },
    ]);

    const written = await report('--out', out, '--publish');
    expect(written.code, written.stderr).toBe(0);
    expect(written.stdout).toContain(`${dayIn(came)}`);
    expect(written.stdout).toMatch(/published: \S*reports\/feed\.\d{4}-\d\d-\d\d\.morning\.html/);
    const page = readFileSync(join(out, `feed.${dayIn(Date.now())}.morning.html`), 'utf8');
    expect(page).toContain('1 results file revised');
    expect(reports()).toHaveLength(3);
  });

  it('says what it cannot do, and exits with 70 where a day does not balance', async () => {
    const settings = readSettings(world.env);
    const io = { ...realIo(createLog('silent')), env: world.env };
    const { signal } = new AbortController();
    const report = (options: ReportOptions) => makeReport('feed', options, { settings, io, signal });
    await expect(report({})).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/there is no ledger/),
    });
    world.drop('a.csv', csv(rows('A', 2)));
    await runHere(world, 'feed');
    const wrong: [ReportOptions, RegExp][] = [
      [{ day: '2026-02-30' }, /a date such as/],
      [{ day: '2999-01-01' }, /is still to come/],
      [{ days: '0' }, /a number from 1 to 92 is needed/],
      [{ out: '/dev/null/x' }, /cannot write the report/],
    ];
    for (const [options, message] of wrong)
      await expect(report(options)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) });
    inLedger("UPDATE processings SET account = json_set(account, '$.counts.read', 3)");
    const told = await world.cli(['report', 'feed', '--day', 'today']);
    expect(told.code).toBe(70);
    expect(told.stdout).toContain('DOES NOT BALANCE');
  });
});
