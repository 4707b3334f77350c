import { createConnection } from 'node:net';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { destinationId } from '../../src/ledger/registry.ts';
import { createCommits } from '../../src/receivers/commits.ts';
import { linkHook } from '../../src/receivers/hook.ts';
import { extoleHeaders, tellOfLink } from './support/extole-webhook.ts';
import { postHeap, syncBody } from './support/heap-webhook.ts';
import { type PostStyle, post } from './support/poster.ts';
import { DESTINATION, KEY, LABEL, openReceiving, type Receiving } from './support/receiving.ts';

describe('many, large, slow and unlucky posts', () => {
  let receiving: Receiving;
  beforeEach(async () => {
    receiving = await openReceiving();
  });
  afterEach(() => receiving.close());

  const link = (n: number): object => ({
    email: `p${n}@example.com`,
    share_link: `a.example/${n}`,
    timestamp: 1_763_600_000,
  });
  const send = async (body: Buffer | object, style?: PostStyle): Promise<number> => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const headers = extoleHeaders({ keyType: 'hs256', key: KEY }, bytes);
    return (await post(receiving.io, receiving.url('links'), headers, bytes, style)).status;
  };

  it('X14: a flood is written in groups, each of which leaves the thread to others, and each post has its answer', async () => {
    let turns = 0;
    let over = false;
    const others = (async () => {
      for (; !over; turns += 1) await receiving.io.sleep(1);
    })();
    const statuses: number[] = [];
    const lanes = Array.from({ length: 100 }, async (_, lane) => {
      for (let n = 0; n < 20; n += 1) statuses.push(await send(link(lane * 20 + n)));
    });
    await Promise.all(lanes);
    over = true;
    await others;
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(receiving.links()).toHaveLength(2000);
    expect(turns).toBeGreaterThan(20);
    expect(receiving.counts()).toEqual({ taken: 2000 });
  });

  it('works that wait are written together, and one that is wrong touches no other one', async () => {
    const { ledger, io } = receiving;
    ledger.db.exec('CREATE TEMP TABLE seen (n INTEGER)');
    const commits = createCommits(ledger, io, () => {});
    const insert = ledger.db.prepare('INSERT INTO seen VALUES (?)');
    const ends = await Promise.all(
      Array.from({ length: 600 }, (_, n) =>
        commits.add({
          rows: 1,
          write: () => {
            insert.run(n);
            if (n === 7) throw new Error('one is wrong');
            return n;
          },
        }),
      ),
    );
    expect(ends.filter(({ kind }) => kind === 'written')).toHaveLength(599);
    expect(ends[7]).toEqual({ kind: 'failed', code: 'INTERNAL' });
    expect(ends[8]).toEqual({ kind: 'written', value: 8 });
    expect(ledger.db.prepare('SELECT count(*) AS n FROM seen WHERE n <> 7').get()).toEqual({ n: 599 });
    expect(ledger.db.prepare('SELECT count(*) AS n FROM seen').get()).toEqual({ n: 599 });
    // More than may wait is told to come again, at once.
    const many = await Promise.all(Array.from({ length: 1500 }, (_, n) => commits.add({ rows: 1, write: () => n })));
    expect(many.filter(({ kind }) => kind === 'crowded')).toHaveLength(500);
    await commits.close();
    expect(await commits.add({ rows: 1, write: () => 1 })).toEqual({ kind: 'failed', code: 'CLOSED' });
  });

  it('X13: a body that is too large is told so, and not kept, whether it says so or not', async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 0x20);
    expect(await send(large)).toBe(413);
    expect(await send(large, { chunked: true })).toBe(413);
    expect(receiving.counts()).toEqual({ 'too-large': 2 });
    expect(await send(link(1), { chunked: true })).toBe(200);
    expect(await send(link(2), { pieces: { bytes: 7, pauseMs: 1 } })).toBe(200);
    expect(receiving.links()).toHaveLength(2);
  });

  it('X13: who listens only once all is sent hears that it was too large', async () => {
    for (const framing of ['Content-Length: 2097152', 'Transfer-Encoding: chunked']) {
      const socket = createConnection(Number(new URL(receiving.url('links')).port), '127.0.0.1').pause();
      const heard: Buffer[] = [];
      const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.on('error', () => {}).on('data', (part: Buffer) => heard.push(part));
      socket.pause();
      socket.write(
        `POST /webhooks/links HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Extole-Signature: 00\r\n${framing}\r\n\r\n`,
      );
      const chunked = framing.endsWith('chunked');
      for (let n = 0; n < 64; n += 1) {
        const part = ' '.repeat(0x8000);
        socket.write(chunked ? `8000\r\n${part}\r\n` : part);
        await receiving.io.sleep(5);
      }
      if (chunked) socket.write('0\r\n\r\n');
      socket.resume();
      await ended;
      expect(Buffer.concat(heard).toString('latin1').slice(0, 12), framing).toBe('HTTP/1.1 413');
    }
  });

  it('X13: who is refused and goes on sending is cut off', { timeout: 60_000 }, async () => {
    const endless = createConnection(Number(new URL(receiving.url('links')).port), '127.0.0.1');
    const ended = new Promise<void>((resolve) => endless.once('close', () => resolve()));
    endless.on('error', () => {}).resume();
    endless.write(
      'POST /webhooks/links HTTP/1.1\r\nHost: a\r\nX-Extole-Signature: 00\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const piece = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    while (!endless.destroyed) {
      endless.write(piece);
      await receiving.io.sleep(100);
    }
    await ended;
    expect(receiving.counts()).toEqual({ 'too-large': 1 });
    expect(await send(link(1))).toBe(200);
  });

  it('X13: who fills the room of large bodies without a key keeps no link out, and no page once they are cut off', {
    timeout: 60_000,
  }, async () => {
    const length = 8 * 1024 * 1024;
    const large = Array.from({ length: 4 }, () => {
      const socket = createConnection(Number(new URL(receiving.url('members')).port), '127.0.0.1');
      socket.on('error', () => {}).resume();
      const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const head = `POST /webhooks/members HTTP/1.1\r\nHost: a\r\nHeap-Hash: x\r\nContent-Length: ${length}\r\n\r\n`;
      socket.write(head);
      const sent = new Promise<void>((resolve) => {
        socket.write(Buffer.alloc(length - 1, 32), () => resolve());
      });
      return { socket, ended, sent };
    });
    // A page that comes before the last of them would have its room.
    await Promise.all(large.map(({ sent }) => sent));
    const { io } = receiving;
    const page = syncBody({ segment: { id: 1, name: 'One' }, add: ['a'] }, { task: 't', page: 1, pages: 1 });
    const pagesUntil = async (wanted: number): Promise<void> => {
      let status = 0;
      for (let n = 0; n < 400 && status !== wanted; n += 1) {
        ({ status } = await postHeap({ io, url: receiving.url('members'), secret: KEY }, page));
        await io.sleep(10);
      }
      expect(status).toBe(wanted);
    };
    await pagesUntil(503);
    expect(await send(link(1))).toBe(200);
    expect(receiving.links()).toHaveLength(1);
    for (const { socket, ended } of large) {
      socket.destroy();
      await ended;
    }
    await pagesUntil(200);
  });

  it('a link is written for its account, also where the first one of the account was undone with the others of its group', () => {
    const { ledger, io } = receiving;
    const destination = { ...DESTINATION, account: 'newcomer' };
    const receive = { keyType: 'hs256' as const, key: [KEY] };
    const hook = linkHook({ ledger, io, job: 'new', receive, destination, label: LABEL, labels: [LABEL] });
    const write = (): void => {
      const body = Buffer.from(JSON.stringify(link(1)));
      const judged = hook.judge(extoleHeaders({ keyType: 'hs256', key: KEY }, body), body);
      if (judged.kind !== 'work') throw new Error(judged.why);
      judged.work.write();
    };
    const undone = ledger.db.transaction(() => {
      write();
      throw new Error('another one of the group');
    });
    expect(undone).toThrow('another one of the group');
    destinationId(ledger, { ...DESTINATION, account: 'somebody-else' });
    write();
    const accounts = 'SELECT account FROM links JOIN destinations d ON d.id = destination_id';
    expect(ledger.db.prepare(accounts).all()).toEqual([{ account: 'newcomer' }]);
  });

  it('X13: who sends slowly is cut off, and one that breaks off leaves nothing', { timeout: 40_000 }, async () => {
    expect(await send(link(1), { cutAfter: 20 })).toBe(0);
    const slow = send(link(2), { pieces: { bytes: 1, pauseMs: 400 } });
    const idle = createConnection(Number(new URL(receiving.url('links')).port), '127.0.0.1');
    idle.on('error', () => {}).resume();
    const ended = new Promise<void>((resolve) => idle.once('close', () => resolve()));
    idle.write('POST /webhooks/links HTTP/1.1\r\nHost: a\r\nX-');
    expect(await send(link(3))).toBe(200);
    expect([0, 408]).toContain(await slow);
    await ended;
    expect(receiving.links().map(({ person }) => person)).toEqual(['p3@example.com']);
  });

  it('a ledger that is locked for a moment is waited for without holding anybody up; locked for longer, 503 and come again', async () => {
    const other = new Database(receiving.ledger.path);
    other.exec('BEGIN IMMEDIATE');
    let turns = 0;
    let over = false;
    const others = (async () => {
      for (; !over; turns += 1) await receiving.io.sleep(5);
    })();
    const first = send(link(1));
    await receiving.io.sleep(300);
    expect(turns).toBeGreaterThan(5);
    other.exec('ROLLBACK');
    expect(await first).toBe(200);
    other.exec('BEGIN IMMEDIATE');
    const headers = extoleHeaders({ keyType: 'hs256', key: KEY }, Buffer.from(JSON.stringify(link(2))));
    const late = await post(receiving.io, receiving.url('links'), headers, Buffer.from(JSON.stringify(link(2))));
    expect(late).toMatchObject({ status: 503, retryAfter: '60' });
    over = true;
    await others;
    other.exec('ROLLBACK');
    expect(receiving.links()).toHaveLength(1);
    expect(receiving.logged().join()).toContain('LEDGER_BUSY');
    expect(receiving.broken).toEqual([]);
    // As Extole does, again later.
    const told = await tellOfLink(
      { io: receiving.io, url: receiving.url('links'), keyType: 'hs256', key: KEY, retriesMs: [10] },
      { email: 'p2@example.com', share_link: 'a.example/2' },
    );
    expect(told.delivered).toBe(true);
    other.close();
  });

  it('a ledger that may not be written, or that another process has taken over, gives 503, and the latter ends the daemon', async () => {
    receiving.ledger.db.pragma('query_only = ON');
    expect(await send(link(1))).toBe(503);
    receiving.ledger.db.pragma('query_only = OFF');
    expect(receiving.broken).toEqual([]);
    expect(await send(link(1))).toBe(200);
    const other = new Database(receiving.ledger.path);
    other.exec('UPDATE executor SET epoch = epoch + 1');
    other.close();
    expect(await send(link(2))).toBe(503);
    expect(await send(link(3))).toBe(503);
    expect(receiving.broken).toEqual([expect.objectContaining({ code: 'LEDGER_TAKEN_OVER' })]);
    expect(receiving.links()).toHaveLength(1);
  });
});
