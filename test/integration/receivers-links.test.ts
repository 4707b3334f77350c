import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LinkEvent } from '../../src/sandbox/extole/link-api.ts';
import { extoleHeaders, tellOfLink } from './support/extole-webhook.ts';
import { post } from './support/poster.ts';
import { KEY, openReceiving, type Receiving } from './support/receiving.ts';

const ANA: LinkEvent = {
  email: 'Ana.Diaz@Example.com',
  partner_user_id: 'M-1',
  timestamp: '2026-11-20T10:00:00Z',
  share_link: 'share.acme.example/ana1',
};

describe('share links that Extole posts', () => {
  let receiving: Receiving;
  beforeEach(async () => {
    receiving = await openReceiving();
  });
  afterEach(() => receiving.close());

  const tell = (event: LinkEvent, key = KEY, keyType: 'hs256' | 'password' | 'basic' = 'hs256'): Promise<number[]> =>
    tellOfLink({ io: receiving.io, url: receiving.url('links'), keyType, key, retriesMs: [] }, event).then(
      ({ answers }) => answers.map(({ status }) => status),
    );
  const raw = async (
    body: string | Buffer,
    signed: string | Buffer = body,
  ): Promise<{ status: number; body: string }> => {
    const headers = extoleHeaders({ keyType: 'hs256', key: KEY }, Buffer.from(signed));
    return post(receiving.io, receiving.url('links'), headers, Buffer.from(body));
  };

  it('a link is in the ledger before the 200, with https:// before it', async () => {
    expect(await tell(ANA)).toEqual([200]);
    expect(receiving.links()).toEqual([
      expect.objectContaining({
        person: 'ana.diaz@example.com',
        partnerUserId: 'M-1',
        link: 'https://share.acme.example/ana1',
        cameBy: 'webhook',
      }),
    ]);
  });

  it('X13: what is posted again changes nothing, and of two links the later one stands, in whatever order they come', async () => {
    await tell(ANA);
    const [{ seq = 0 } = {}] = receiving.links();
    expect(await tell(ANA)).toEqual([200]);
    expect(receiving.links()).toMatchObject([{ seq }]);
    await tell({ ...ANA, share_link: 'share.acme.example/new', timestamp: '2026-11-20T12:00:00.250+0100' });
    expect(receiving.links()).toMatchObject([{ link: 'https://share.acme.example/new' }]);
    await tell({ ...ANA, share_link: 'share.acme.example/old', timestamp: '2026-11-20T10:30:00Z' });
    expect(receiving.links()).toMatchObject([{ link: 'https://share.acme.example/new' }]);
    expect(receiving.counts()).toEqual({ taken: 2, known: 2 });
  });

  it('a time in the future stands against nothing that comes after it, and seconds are told from milliseconds', async () => {
    const at = (timestamp: unknown, code: string): LinkEvent => ({
      ...ANA,
      timestamp,
      share_link: `a.example/${code}`,
    });
    const { timestamp: _, ...timeless } = ANA;
    const link = (): string | undefined => receiving.links()[0]?.link;
    await tell(at('2099-01-01T00:00:00Z', 'future'));
    expect(link()).toBe('https://a.example/future');
    await receiving.io.sleep(2);
    await tell(at(Date.now(), 'milliseconds'));
    expect(link()).toBe('https://a.example/milliseconds');
    await tell(at(1_700_000_000, 'seconds'));
    await tell(at('1700000000000', 'text'));
    expect(link()).toBe('https://a.example/milliseconds');
    await tell({ ...timeless, share_link: 'a.example/timeless' });
    expect(link()).toBe('https://a.example/timeless');
  });

  it.each([
    ['hs256', KEY],
    ['password', KEY],
    ['basic', 'extole:0123456789abcdef'],
  ] as const)(
    'X13: %s: only who has the key is let in, and a second key while it is being changed',
    async (keyType, key) => {
      receiving.extole({ keyType, key: ['another:key-of-tomorrow', key] });
      expect(await tell(ANA, key, keyType)).toEqual([200]);
      expect(await tell(ANA, 'another:key-of-tomorrow', keyType)).toEqual([200]);
      for (const wrong of [`${key}x`, key.slice(0, -1), key.toUpperCase(), '', ' '])
        expect(await tell({ ...ANA, email: 'eve@example.com' }, wrong, keyType), wrong).toEqual([401]);
      for (const other of ['hs256', 'password', 'basic'] as const)
        if (other !== keyType) expect(await tell({ ...ANA, email: 'eve@example.com' }, key, other)).toEqual([401]);
      expect(receiving.links().map(({ person }) => person)).toEqual(['ana.diaz@example.com']);
    },
  );

  it('X13: a signature is that of the very bytes: a space more or less, or another body, is refused', async () => {
    const body = '{"email":"ana@example.com","person_id":7465313346145957284,"share_link":"a.example/1"}';
    expect(await raw(body)).toMatchObject({ status: 200 });
    expect(receiving.links()).toMatchObject([{ personId: '7465313346145957284' }]);
    expect((await raw(`${body} `, body)).status).toBe(401);
    expect((await raw(body.replace('ana', 'eve'), body)).status).toBe(401);
    expect((await raw('', 'x')).status).toBe(401);
    const { createHmac } = await import('node:crypto');
    const sha1 = { 'x-extole-signature': `sha1=${createHmac('sha1', KEY).update(body).digest('hex')}` };
    expect((await post(receiving.io, receiving.url('links'), sha1, Buffer.from(body))).status).toBe(401);
    expect(receiving.links()).toHaveLength(1);
  });

  it('what cannot be read is answered 400 with the field and counted, and nothing of it is in the answer or the log', async () => {
    const wrong: [string | Buffer, string][] = [
      ['', 'the body is no JSON object'],
      ['[]', 'the body is no JSON object'],
      ['{"email":', 'the body is no JSON object'],
      [`${'['.repeat(60_000)}`, 'the body is no JSON object'],
      [Buffer.from([0x7b, 0xff, 0xfe]), 'the body is not UTF-8'],
      ['{"event":"Share Link Created","email":"ana@example.com"}', 'share_link is missing'],
      ['{"share_link":"javascript:alert(1)","email":"ana@example.com"}', 'share_link is no link of a web page'],
      ['{"share_link":"a.example/1","email":"ana at example"}', 'email is no e-mail address'],
      ['{"share_link":"a.example/1","email":"","partner_user_id":" "}', 'email and partner_user_id are missing'],
      [`{"share_link":"a.example/1","partner_user_id":"${'7'.repeat(256)}"}`, 'too long'],
      ['{"share_link":"a.example/1","partner_user_id":"7\\u0000"}', 'control characters'],
    ];
    for (const [body, why] of wrong) {
      const answered = await raw(body);
      expect([answered.status, answered.body], String(body).slice(0, 60)).toEqual([400, expect.stringContaining(why)]);
    }
    expect(receiving.counts()).toEqual({ unreadable: wrong.length });
    expect(receiving.links()).toEqual([]);
    expect(receiving.logged()).toHaveLength(1);
    expect(receiving.logged()[0]).toContain('WEBHOOK_UNREADABLE');
    expect(receiving.logged().join()).not.toMatch(/ana|a\.example/);
  });

  it('other events, and links of labels that no job has, are answered 200 and left alone', async () => {
    expect((await raw('{"type":"reward_earned","event_id":"1","email":"ana@example.com"}')).body).toContain('ignored');
    expect(await tell({ ...ANA, label: 'another-program' })).toEqual([200]);
    expect(receiving.links()).toEqual([]);
    expect(receiving.counts()).toEqual({ ignored: 2 });
    receiving.extole({}, ['refer-a-friend', 'another-program']);
    await tell({ ...ANA, label: 'Another-Program' });
    expect(receiving.links()).toEqual([]);
    expect(receiving.ledger.db.prepare('SELECT label FROM links').pluck().all()).toEqual(['another-program']);
    expect(await tell({ share_link: 'a.example/1', person_id: '77' })).toEqual([200]);
    expect(receiving.counts()).toEqual({ ignored: 3, taken: 1 });
  });

  it('fields of a payload that has more are kept, and a field named like one of JavaScript does no harm', async () => {
    const body = `{"__proto__":{"email":"eve@example.com"},"constructor":1,"email":"ana@example.com","share_link":"https://a.example/1",
      "advocate_code":"ana1","key":"raf-7","label":"REFER-A-FRIEND","person_id":77,"other":{"deep":[1]}}`;
    expect((await raw(body)).status).toBe(200);
    expect(receiving.links()).toMatchObject([
      { person: 'ana@example.com', code: 'ana1', key: 'raf-7', personId: '77' },
    ]);
  });

  it('a job that takes none is not there, and one whose file may be wrong is asked again later', async () => {
    const to = (job: string): ReturnType<typeof post> => post(receiving.io, receiving.url(job), {}, Buffer.from('{}'));
    expect((await to('nobody')).status).toBe(404);
    expect((await to('../links')).status).toBe(404);
    receiving.hooks.set('torn', 'unclear');
    expect(await to('torn')).toMatchObject({ status: 503, retryAfter: '60' });
    expect((await fetch(receiving.url('links'))).status).toBe(404);
  });
});
