import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csv, row, rows } from './support/e2e-rows.ts';
import { verify } from './support/notices-listeners.ts';
import { type NoticeWorld, openNoticeWorld, ROUTING_KEY, runHere, SECRET } from './support/notices-world.ts';

const HOUR = 3_600_000;

let notices: NoticeWorld;
beforeEach(async () => {
  notices = await openNoticeWorld();
});
afterEach(async () => {
  // Whatever was told: no name of a file, no key, no value, no address out of a row.
  const told = notices.everything();
  await notices[Symbol.asyncDispose]();
  expect(told).not.toMatch(/canary|jane|private\.example|\.csv|\b[ABCR]-\d{1,4}\b/i);
});

/** A file of which no row can be read. */
const TORN = 'id,email\n"A-1,jane.canary@private.example\n';

describe('people are told', () => {
  it('of a refused file through every channel, once, and once when it was replaced', async () => {
    const { world, http, smtp, channels, look, slack } = notices;
    world.job('feed', { notify: channels });
    world.drop('canary-jane-doe.csv', TORN);
    expect(await runHere(world, 'feed')).toBe(3);
    const now = Date.now();
    await look(now);
    await look(now + 60_000);
    await look(now + 2 * 60_000);

    expect(slack()).toEqual([expect.stringMatching(/^\*✕ feed: file p1 was refused: QUOTE_NOT_CLOSED\*\n/)]);
    const hooks = http.received.filter(({ path }) => path === '/hook?team=7');
    expect(hooks).toHaveLength(1);
    const [hook] = hooks;
    if (hook === undefined) throw new Error('no webhook');
    const signature = verify(hook, SECRET);
    expect(signature).toEqual({ seconds: Math.floor(now / 1000), good: true });
    expect(verify({ ...hook, body: hook.body.replace('p1', 'p2') }, SECRET).good).toBe(false);
    expect(JSON.parse(hook.body)).toMatchObject({
      format: 'referry-notice/1',
      id: hook.headers['x-referry-notice'],
      phase: 'opened',
      kind: 'file-refused',
      severity: 'error',
      job: 'feed',
      detail: { file: 'p1', code: 'QUOTE_NOT_CLOSED' },
    });
    const events = () => http.received.filter(({ path }) => path === '/pagerduty').map(({ body }) => JSON.parse(body));
    expect(events()).toEqual([
      expect.objectContaining({
        routing_key: ROUTING_KEY,
        event_action: 'trigger',
        dedup_key: JSON.parse(hook.body).subject,
        payload: expect.objectContaining({
          severity: 'error',
          source: 'referry',
          component: 'feed',
          class: 'file-refused',
        }),
      }),
    ]);
    expect(smtp.mails).toHaveLength(1);
    const [mail] = smtp.mails;
    expect(mail).toMatchObject({ from: 'referry@bank.example', to: ['ops@bank.example', 'night@bank.example'] });
    expect(mail?.raw).toMatch(/^Subject: =\?UTF-8\?|^Subject: \[referry\]/m);
    expect(mail?.raw).toContain('Auto-Submitted: auto-generated');

    // The sender repairs it, and sends it under its name.
    world.drop('canary-jane-doe.csv', csv(rows('B', 3)));
    expect(await runHere(world, 'feed')).toBe(0);
    await look(now + 3 * 60_000);
    await look(now + 4 * 60_000);
    expect(slack().slice(1)).toEqual([
      expect.stringMatching(/^\*✓ feed: file p1 was refused, and has been replaced\*/),
    ]);
    expect(events().at(-1)).toEqual({
      routing_key: ROUTING_KEY,
      event_action: 'resolve',
      dedup_key: JSON.parse(hook.body).subject,
    });
    expect(smtp.mails).toHaveLength(2);
    const thread = JSON.parse(hook.body).subject;
    for (const { raw } of smtp.mails) expect(raw).toContain(`References: <${thread}@bank.example>`);
  });

  it('of many rejects, and that the next file is good; of success only where it is asked for', async () => {
    const { world, http, channels, look, slack } = notices;
    world.job('feed', { notify: [channels[0], { ...channels[2], events: ['success'] }], watch: { rejects: 0.2 } });
    world.drop(
      '1.csv',
      csv([...rows('A', 7), ...rows('R', 3).map((each) => ({ ...each, email: 'no address', member: '' }))]),
    );
    await runHere(world, 'feed');
    const now = Date.now();
    await look(now);
    expect(slack()).toEqual([expect.stringContaining('30 % of the rows of file p1 were rejected (3 of 10)')]);
    world.drop('2.csv', csv(rows('C', 5)));
    expect(await runHere(world, 'feed')).toBe(0);
    await look(now + 60_000);
    await look(now + 120_000);
    expect(slack()).toHaveLength(2);
    expect(slack()[1]).toContain('a later file is good again');
    const successes = http.received.filter(({ path }) => path.startsWith('/hook')).map(({ body }) => JSON.parse(body));
    // Of the first run, too: its rejected rows are the sender's business.
    expect(successes.map(({ kind, phase, detail }) => [kind, phase, detail.run])).toEqual([
      ['success', 'opened', 'r1'],
      ['success', 'opened', 'r2'],
    ]);
  });

  it('of a file that is bad when the next, good one has come as well', async () => {
    const { world, channels, look, slack } = notices;
    world.job('feed', { notify: [channels[0]], watch: { rejects: 0.2 } });
    world.drop('1.csv', csv([...rows('A', 2), { ...row('R-1'), email: 'x', member: '' }]), 90);
    world.drop('2.csv', csv(rows('B', 4)), 60);
    await runHere(world, 'feed');
    await look(Date.now());
    await look(Date.now());
    expect(slack()).toHaveLength(2);
    expect(slack()[0]).toContain('33 % of the rows of file p1');
    expect(slack()[1]).toContain('✓');
  });

  it('of a destination that is halted, a source that cannot be reached, and rows that wait for a day', async () => {
    const { world, channels, look, slack } = notices;
    world.job('feed', { notify: [channels[0]], watch: { unreachable: 2 } });
    world.extole.setFaults(() => '403');
    world.drop('a.csv', csv(rows('A', 4)));
    expect(await runHere(world, 'feed')).toBe(4);
    const now = Date.now();
    await look(now);
    expect(slack()).toEqual([expect.stringContaining('‼ feed: Extole cannot be used: FORBIDDEN')]);
    await look(now + 25 * HOUR);
    expect(slack().slice(1)).toEqual([expect.stringContaining('file p1 has waited for more than 24 hours: 4 open')]);

    const lost = { url: `file://${world.root}/unmounted/inbox` };
    world.job('feed', { notify: [channels[0]], watch: { unreachable: 2 }, source: lost });
    await runHere(world, 'feed');
    await look(now + 26 * HOUR);
    expect(slack()).toHaveLength(2);
    await runHere(world, 'feed');
    await look(now + 27 * HOUR);
    expect(slack().slice(2)).toEqual([
      expect.stringContaining('the source could not be reached 2 times in a row: NO_SUCH_FOLDER'),
    ]);

    world.extole.setFaults(undefined);
    world.job('feed', { notify: [channels[0]], watch: { unreachable: 2 } });
    expect(await runHere(world, 'feed')).toBe(0);
    await look(now + 28 * HOUR);
    await look(now + 29 * HOUR);
    const told = slack().slice(3).toSorted();
    expect(told).toEqual([
      expect.stringContaining('✓ feed: Extole can be used again'),
      expect.stringContaining('✓ feed: file p1 waits no longer'),
      expect.stringContaining('✓ feed: the source can be reached again'),
    ]);
  });

  it('of an imbalance, whatever the channel asked for', async () => {
    const { world, channels, look, slack } = notices;
    world.job('feed', { notify: [{ ...channels[0], events: ['success'] }] });
    world.drop('a.csv', csv(rows('A', 2)));
    await runHere(world, 'feed');
    const db = new Database(world.ledger);
    db.exec("UPDATE processings SET account = json_set(account, '$.balanced', json('false'), '$.counts.read', 3)");
    db.close();
    await look(Date.now());
    expect(slack().filter((text) => text.includes('DOES NOT BALANCE'))).toEqual([
      expect.stringContaining('‼ feed: file p1 DOES NOT BALANCE'),
    ]);
  });
});
