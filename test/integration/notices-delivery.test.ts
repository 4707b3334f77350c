import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { backdateSchedule } from './support/e2e-daemon.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { type NoticeWorld, openNoticeWorld, runHere } from './support/notices-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TORN = 'id,email\n"A-1\n';

let notices: NoticeWorld;
beforeEach(async () => {
  notices = await openNoticeWorld();
});
afterEach(() => notices[Symbol.asyncDispose]());

interface Message {
  channel: string;
  phase: string;
  state: string;
  attempts: number;
  problem: string | null;
}

function messages(): Message[] {
  const db = new Database(notices.world.ledger, { readonly: true });
  const all = db
    .prepare<[], Message>('SELECT channel, phase, state, attempts, problem FROM notice_messages ORDER BY id')
    .all();
  db.close();
  return all;
}

describe('a channel that cannot be used', () => {
  it('is tried again later under the same id, and holds up neither the others nor a run', async () => {
    const { world, http, smtp, channels, look, slack } = notices;
    world.job('feed', { notify: channels });
    http.answer('/slack', 500);
    http.answer('/hook?team=7', 404);
    smtp.refuse(451);
    world.drop('a.csv', TORN);
    await runHere(world, 'feed');
    const now = Date.now();
    await look(now);
    expect(http.received.map(({ path }) => path)).toEqual(['/pagerduty']);
    expect(messages().map(({ state, problem }) => `${state} ${problem}`)).toEqual([
      'planned HTTP 500',
      'planned SMTP 451 (EMESSAGE)',
      'planned HTTP 404',
      'sent null',
    ]);
    // Told in status; no secret in it.
    const status = await world.cli(['status']);
    expect(status.stdout).toContain('feed: the channel slack has not taken 1 notice since');
    expect(status.stdout).not.toContain(http.url);
    // The wait grows: a minute, then two.
    await look(now + 30_000);
    expect(http.all.filter(({ path }) => path === '/slack')).toHaveLength(1);
    await look(now + MINUTE);
    await look(now + 2 * MINUTE);
    expect(http.all.filter(({ path }) => path === '/slack')).toHaveLength(2);
    http.answer('/slack', 200);
    http.answer('/hook?team=7', 200);
    smtp.refuse(0);
    await look(now + 3 * MINUTE);
    expect(slack()).toHaveLength(1);
    expect(smtp.mails).toHaveLength(1);
    expect(messages().map(({ state }) => state)).toEqual(['sent', 'sent', 'sent', 'sent']);
    const hooks = http.all.filter(({ path }) => path.startsWith('/hook'));
    expect(hooks).toHaveLength(3);
    expect(new Set(hooks.map(({ headers }) => headers['x-referry-notice'])).size).toBe(1);
  });

  it('that is down for a day: what it was to be told is given up, and the end of it as well', async () => {
    const { world, http, channels, look } = notices;
    world.job('feed', { notify: [channels[0]] });
    http.answer('/slack', 503);
    world.drop('a.csv', TORN);
    await runHere(world, 'feed');
    const now = Date.now();
    for (const hours of [0, 1, 23]) await look(now + hours * HOUR);
    expect(messages()).toMatchObject([{ state: 'planned', attempts: 3 }]);
    await look(now + 24 * HOUR + MINUTE);
    expect(messages()[0]).toMatchObject({ state: 'dropped', problem: 'waited for too long' });
    // The matter ends: a channel that never heard of it does not hear of that either.
    http.answer('/slack', 200);
    world.drop('a.csv', csv(rows('A', 1)));
    await runHere(world, 'feed');
    await look(now + 25 * HOUR);
    expect(notices.slack().filter((text) => text.includes('replaced'))).toEqual([]);
  });

  it('that takes exception to a message lets the next ones through', async () => {
    const { world, http, channels, look, slack } = notices;
    world.job('feed', { notify: [channels[0]] });
    http.answer('/slack', 400);
    world.drop('a.csv', TORN);
    await runHere(world, 'feed');
    const now = Date.now();
    for (const minutes of [0, 1, 3]) await look(now + minutes * MINUTE);
    expect(messages()).toMatchObject([{ state: 'dropped', problem: 'HTTP 400', attempts: 3 }]);
    http.answer('/slack', 200);
    world.drop('b.csv', `${TORN}x`);
    await runHere(world, 'feed');
    await look(now + 5 * MINUTE);
    expect(slack()).toEqual([expect.stringContaining('file p2 was refused')]);
  });

  it('keeps its messages when its address is corrected', async () => {
    const { world, http, channels, look } = notices;
    world.job('feed', { notify: [{ slack: { url: `${http.url}/old` } }] });
    http.answer('/old', 410);
    world.drop('a.csv', TORN);
    await runHere(world, 'feed');
    const now = Date.now();
    await look(now);
    world.job('feed', { notify: [channels[0]] });
    await look(now + MINUTE);
    expect(notices.slack()).toHaveLength(1);
  });
});

describe('a storm', () => {
  it('is told by so many messages an hour and one summary; an incident that was opened is always closed', async () => {
    const { world, http, channels, look, slack } = notices;
    const [first, , , last] = channels;
    world.job('feed', {
      notify: [
        { ...first, perHour: 3 },
        { ...last, perHour: 2 },
      ],
    });
    for (let i = 1; i <= 8; i++) world.drop(`${i}.csv`, `id,email\n"A-${i}\n`, 100 - i);
    await runHere(world, 'feed');
    const now = Date.now();
    for (let minute = 0; minute < 4; minute++) await look(now + minute * MINUTE);
    expect(
      slack()
        .slice(0, 3)
        .map((text) => /file p\d/.exec(text)?.[0]),
    ).toEqual(['file p1', 'file p2', 'file p3']);
    expect(slack().slice(3)).toEqual([
      expect.stringMatching(
        /^\*✕ feed: 5 more notices\*\nMore came than this channel takes in an hour: 5 file-refused\./,
      ),
    ]);
    const incidents = (action: string) =>
      http.received.filter(({ path, body }) => path === '/pagerduty' && body.includes(`"event_action":"${action}"`));
    expect(incidents('trigger')).toHaveLength(3);

    for (let i = 1; i <= 8; i++) world.drop(`${i}.csv`, csv(rows(`N${i}`, 1)), 100 - i);
    await runHere(world, 'feed');
    await look(now + 5 * MINUTE);
    expect(incidents('resolve')).toHaveLength(2);
    // The hour is used up; then the rest is told.
    expect(slack()).toHaveLength(4);
    await look(now + 70 * MINUTE);
    await look(now + 71 * MINUTE);
    expect(slack().length).toBeLessThanOrEqual(8);
    expect(slack().slice(4).join('\n')).toContain('✓');
    expect(messages().filter(({ state }) => state === 'planned')).toEqual([]);
  });
});

describe('the daemon', () => {
  it.each(['notice-planned', 'notice-sent'])(
    'that is killed at %s tells it all the same, under the same id',
    async (place) => {
      const { world, http, channels } = notices;
      world.job('feed', { notify: [channels[2]], schedule: '0 3 * * *' });
      world.drop('a.csv', TORN);
      await runHere(world, 'feed');
      backdateSchedule(world, 'feed', MINUTE);
      const killed = world.start(['daemon'], { REFERRY_CRASH_AT: `${place}:1` });
      expect((await killed.done).signal).toBe('SIGKILL');
      expect(http.all).toHaveLength(place === 'notice-sent' ? 1 : 0);
      // The next try comes a minute later: not to be waited for here.
      const db = new Database(world.ledger);
      db.exec('UPDATE notice_messages SET next_at = 0');
      db.close();
      const next = world.start(['daemon']);
      await until('the notice', () => http.received.length > (place === 'notice-sent' ? 1 : 0));
      await until('it to be recorded', () => messages()[0]?.state === 'sent');
      next.kill('SIGTERM');
      expect((await next.done).code).toBe(0);
      expect(new Set(http.received.map(({ headers }) => headers['x-referry-notice'])).size).toBe(1);
      expect(messages()).toMatchObject([{ state: 'sent', attempts: 2 }]);
    },
  );
});
