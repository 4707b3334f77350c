import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csv, rows } from './support/e2e-rows.ts';
import { type NoticeWorld, openNoticeWorld, runHere } from './support/notices-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let notices: NoticeWorld;
beforeEach(async () => {
  notices = await openNoticeWorld();
});
afterEach(() => notices[Symbol.asyncDispose]());

/** Midnight (UTC) of today. */
const TODAY = Math.floor(Date.now() / DAY) * DAY;
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Moves what has happened so far to another time, as if it had been then. */
function happened(at: number): void {
  const db = new Database(notices.world.ledger);
  db.prepare('UPDATE processings SET opened_at = ?').run(at);
  db.prepare('UPDATE runs SET started_at = ?, ended_at = ?').run(at, at + 1000);
  db.prepare('UPDATE executor SET started_at = ?').run(at);
  db.close();
}

describe('an expected file', () => {
  it('that is late is told once, then as missing, then that it came; status and the report say so as well', async () => {
    const { world, http, channels, look, slack } = notices;
    world.job('feed', { notify: [channels[0], channels[3]], expect: { by: '07:00' }, timezone: 'UTC' });
    expect(await runHere(world, 'feed')).toBe(0);
    // The watch begins at one in the morning, the day before yesterday.
    const first = TODAY - 2 * DAY;
    happened(first + HOUR);
    await look(first + HOUR);
    // Nobody has looked since seven.
    await look(first + 7 * HOUR + MINUTE);
    expect(slack()).toEqual([]);
    happened(first + 7 * HOUR);
    await look(first + 7 * HOUR + MINUTE);
    await look(first + 8 * HOUR);
    expect(slack()).toEqual([expect.stringContaining(`▲ feed: no file by 07:00 on ${dayOf(first)}`)]);
    const status = await world.cli(['status', '--json']);
    expect(status.code).toBe(3);
    expect(status.json()).toMatchObject({
      attention: [`feed: ${dayOf(first)}: the file is late`],
      jobs: [{ expected: [{ day: dayOf(first), state: 'late' }] }],
    });
    expect((await world.cli(['status'])).stdout).toContain('the file is late, since');

    await look(first + DAY + MINUTE);
    expect(slack().slice(1)).toEqual([expect.stringContaining(`✕ feed: no file came on ${dayOf(first)}`)]);
    const incidents = () =>
      http.received.filter(({ path }) => path === '/pagerduty').map(({ body }) => JSON.parse(body).event_action);
    // The incident of the late file is closed, that of the missing one opened: people read of it once.
    expect(incidents()).toEqual(['trigger', 'trigger', 'resolve']);

    world.drop('late.csv', csv(rows('L', 2)), 90);
    await runHere(world, 'feed');
    happened(first + DAY + 6 * HOUR);
    await look(first + DAY + 6 * HOUR);
    // It stands for its own day first.
    expect(slack()).toHaveLength(2);
    world.drop('today.csv', csv(rows('T', 2)), 60);
    await runHere(world, 'feed');
    happened(first + DAY + 6 * HOUR);
    await look(first + DAY + 6 * HOUR + MINUTE);
    expect(slack().slice(2)).toEqual([expect.stringContaining(`✓ feed: a file for ${dayOf(first)} has come`)]);
    expect(incidents().slice(3)).toEqual(['resolve']);

    const out = join(world.root, 'out');
    const report = await world.cli([
      'report',
      'feed',
      '--day',
      dayOf(first + DAY),
      '--days',
      '3',
      '--out',
      out,
      '--json',
    ]);
    expect(report.code, report.stderr).toBe(0);
    expect(report.json()).toMatchObject({
      expected: [
        { day: dayOf(first), state: 'late', solvedAt: expect.any(String) },
        { day: dayOf(first), state: 'missing', solvedAt: expect.any(String) },
      ],
    });
  });

  it('that is too small or comes too early is told, and a file of the usual size puts it right', async () => {
    const { world, channels, look, slack } = notices;
    const expectation = { by: '23:59', from: '12:00', minRows: 3, maxRows: 5 };
    world.job('feed', { notify: [channels[0]], expect: expectation });
    await runHere(world, 'feed');
    await look(TODAY);
    world.drop('small.csv', csv(rows('S', 2)));
    await runHere(world, 'feed');
    happened(TODAY + 6 * HOUR);
    await look(TODAY + 6 * HOUR);
    expect(slack().toSorted()).toEqual([
      expect.stringContaining(`file p1 came before 12:00 on ${dayOf(TODAY)}`),
      expect.stringContaining('file p1 has 2 rows, fewer than 3'),
    ]);
    world.drop('good.csv', csv(rows('G', 4)));
    await runHere(world, 'feed');
    const db = new Database(world.ledger);
    db.prepare('UPDATE processings SET opened_at = ? WHERE id = 2').run(TODAY + 13 * HOUR);
    db.close();
    await look(TODAY + 13 * HOUR + MINUTE);
    await look(TODAY + 13 * HOUR + 2 * MINUTE);
    expect(slack().slice(2).toSorted()).toEqual([
      expect.stringContaining('✓ feed: another file came in time'),
      expect.stringContaining('✓ feed: file p1 was small; a later file has the usual size'),
    ]);
  });

  it('with a number missing before it: the gap is told once, and once when all of it has come', async () => {
    const { world, channels, look, slack } = notices;
    world.job('feed', { notify: [channels[0]], file: { sequence: { pattern: 'feed-(\\d+)' } } });
    const now = Date.now();
    for (const number of [1, 4]) {
      world.drop(`feed-${number}.csv`, csv(rows(`F${number}`, 2)));
      expect(await runHere(world, 'feed')).toBe(0);
    }
    await look(now);
    world.drop('feed-3.csv', csv(rows('F3', 2)));
    await runHere(world, 'feed');
    await look(now + MINUTE);
    expect(slack()).toEqual([expect.stringContaining('files are missing between those that came: number 2 to 3')]);
    world.drop('feed-2.csv', csv(rows('F2', 2)));
    await runHere(world, 'feed');
    await look(now + 2 * MINUTE);
    expect(slack().slice(1)).toEqual([expect.stringContaining('✓ feed: number 2 to 3 has come')]);
  });
});

describe('the files beside the jobs', () => {
  it('holidays: a day in the file expects nothing; what is no date is named with its line by check', async () => {
    const { world, channels, look, slack } = notices;
    writeFileSync(join(world.jobs, 'holidays.txt'), `# ours\n${dayOf(TODAY)}  # today\n2026-02-30\n`);
    world.job('feed', { notify: [channels[0]], expect: { by: '07:00', holidays: 'holidays.txt' } });
    await runHere(world, 'feed');
    await look(TODAY);
    await look(TODAY + 20 * HOUR);
    expect(slack()).toEqual([]);
    const check = await world.cli(['check']);
    expect(check.code).toBe(0);
    expect(check.stdout).toContain('holidays.txt:3:1: warning: found "2026-02-30", which is no date');
    world.job('feed', { expect: { by: '07:00', holidays: 'gone.txt' } });
    expect((await world.cli(['check'])).stdout).toContain('gone.txt:1:1: warning: the file of holidays does not exist');
  });

  it('notify.yaml: its channels are those of every job that names none, and it is no job', async () => {
    const { world, http, channels, smtp } = notices;
    writeFileSync(join(world.jobs, 'notify.yaml'), JSON.stringify({ notify: channels }), { mode: 0o600 });
    world.job('a', { source: { match: 'a*' } });
    world.job('b', { source: { match: 'b*' }, notify: [channels[0]] });
    const check = await world.cli(['check', '--json']);
    expect(check.json()).toMatchObject({ ok: true, jobs: [{ id: 'a' }, { id: 'b' }], problems: [] });
    const test = await world.cli(['notify-test', 'a', '--json']);
    expect(test.code, test.stderr).toBe(0);
    expect(test.json()).toMatchObject({
      ok: true,
      channels: [{ name: 'slack' }, { name: 'email' }, { name: 'webhook' }, { name: 'pagerduty' }],
    });
    expect(smtp.mails).toHaveLength(1);
    expect(http.received.map(({ path }) => path).toSorted()).toEqual([
      '/hook?team=7',
      '/pagerduty',
      '/pagerduty',
      '/slack',
    ]);
    http.answer('/slack', 403);
    const failing = await world.cli(['notify-test', 'b']);
    expect(failing.code).toBe(4);
    expect(failing.stdout).toMatch(/^FAIL +slack +Slack-compatible webhook at 127\.0\.0\.1:\d+ +HTTP 403$/m);
    const doctor = await world.cli(['doctor', 'b']);
    expect(doctor.stdout).toContain('channel slack');
    expect(http.all.filter(({ path }) => path === '/slack')).toHaveLength(2);

    writeFileSync(join(world.jobs, 'notify.yaml'), 'notify:\n  - slack: { url: nonsense }\n');
    const broken = await world.cli(['check']);
    expect(broken.code).toBe(2);
    expect(broken.stdout).toMatch(/notify\.yaml:2:\d+: error: notify\.0\.slack\.url: a URL is needed/);
    // Nobody is told, and the jobs run all the same.
    expect(await runHere(world, 'a')).toBe(0);
    expect((await world.cli(['notify-test', 'a'])).code).toBe(2);
  });

  it('a channel that is wrong is explained, and a secret in a job file is warned of and never shown', async () => {
    const { world } = notices;
    const url = 'https://hooks.slack.example/services/T0/B0/s3cr3t';
    world.job('feed', {
      notify: [{ slack: { url } }, { slack: { url }, email: { smtp: 'imap://x', from: 'a@b', to: 'no' } }, {}],
    });
    const { code, stdout } = await world.cli(['check']);
    expect(code).toBe(2);
    expect(stdout).toContain('notify.0.slack.url: a secret is written in the job file');
    expect(stdout).toContain(
      'each entry of notify names one of slack, email, webhook, pagerduty; found slack and email',
    );
    expect(stdout).toContain('a URL is needed that starts with smtp:// or smtps://');
    expect(stdout).not.toContain('s3cr3t');
  });
});
