import { createServer, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';

interface Watched {
  url: string;
  /** When a request came, and how many were on the wire then, itself included. */
  seen: { at: number; together: number; body: string }[];
  close(): Promise<void>;
}

/** Stands before the stand-in, and looks at when requests come and how many at once. */
async function watch(target: string): Promise<Watched> {
  const seen: Watched['seen'] = [];
  let together = 0;
  const server = createServer((req: IncomingMessage, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      together++;
      const body = Buffer.concat(chunks).toString();
      seen.push({ at: performance.now(), together, body });
      const headers = { authorization: req.headers.authorization ?? '', 'content-type': 'application/json' };
      const id = req.headers['x-request-id'];
      const init = { method: 'POST', headers: { ...headers, 'x-request-id': String(id) }, body };
      void fetch(`${target}${req.url}`, init).then(async (answer) => {
        const text = await answer.text();
        together--;
        const after = answer.headers.get('retry-after');
        res.writeHead(answer.status, {
          'content-type': 'application/json',
          ...(after ? { 'retry-after': after } : {}),
        });
        res.end(text);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

describe('the limits of the destination', { timeout: 60_000 }, () => {
  let world: World;
  let front: Watched | undefined;
  afterEach(async () => {
    await front?.close();
    front = undefined;
    await world.close();
  });
  const expectAllDelivered = (count: number): void => {
    const lines = readResults(world.read('results/a.csv.results.csv'));
    expect(fates(lines)).toEqual(Array.from({ length: count }, (_, i) => `${i + 2} delivered`));
    const accepted = world.requests().filter((each) => each.accepted);
    expect(accepted).toHaveLength(count);
    expect(new Set(accepted.map(({ body }) => body.data.partner_conversion_id)).size).toBe(count);
  };

  it('H01, H24: fifty 429 in a row from the queue of async events: one request a pause, every row waits, none is lost', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url } },
      delivery: { ...PATIENT, concurrency: { start: 8, max: 8 }, backoff: { first: '5ms', cap: '20ms' } },
    });
    world.drop('a.csv', csv(rows('A', 60)));
    let asked = 0;
    world.extole.setFaults(() => (++asked <= 50 ? '429' : undefined));
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ delivered: 60, rejected: 0, failed: 0, held: 0, balanced: true });
    // The first eight left before anything was known; from then on each asked alone.
    expect(front.seen.slice(8, 50).map(({ together }) => together)).toEqual(Array(42).fill(1));
    expect(front.seen).toHaveLength(60 + 50);
    expectAllDelivered(60);
  });

  it('H02: Retry-After is waited for, at least a second where it asks for less, and not heeded where it says nothing', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url } },
      delivery: { ...PATIENT, concurrency: { start: 1, max: 1 }, backoff: { first: '1ms', cap: '1ms' } },
    });
    world.drop('a.csv', csv(rows('A', 8)));
    const inTwo = (): string => new Date(Math.ceil(Date.now() / 1000 + 1) * 1000).toUTCString();
    const asked = ['2', inTwo, '0', '-1', 'soon', '1e9'];
    for (const after of asked)
      world.extole.fail({
        kind: 'status',
        status: 429,
        headers: { 'retry-after': typeof after === 'string' ? after : after() },
      });
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    const gaps = front.seen.map(({ at }, i) => at - (front?.seen[i - 1]?.at ?? 0)).slice(1, asked.length + 1);
    expect(gaps[0]).toBeGreaterThanOrEqual(1990);
    expect(gaps[2]).toBeGreaterThanOrEqual(990);
    expectAllDelivered(8);
  });

  it('H20: a second process uses up the limit of the same token: both are slowed down, and neither loses a row', async () => {
    world = await openWorld();
    let used = 0;
    let until = 0;
    // A bucket of twenty in a tenth of a second, whoever asks.
    world.extole.setFaults(() => {
      const now = performance.now();
      if (now >= until) {
        until = now + 100;
        used = 0;
      }
      return ++used > 20 ? '429' : undefined;
    });
    world.job('feed', { delivery: PATIENT });
    world.job('other', { source: { match: '*.txt' }, delivery: PATIENT });
    world.drop('a.csv', csv(rows('A', 150)));
    world.drop('b.txt', csv(rows('B', 150)));
    const [first, second] = await Promise.all([
      world.cli(['run', 'feed', '--json']),
      world.cli(['run', 'other', '--json'], { REFERRY_STATE: `${world.root}/second` }),
    ]);
    expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0]);
    expect(first.json()).toMatchObject({ delivered: 150, rejected: 0, failed: 0 });
    expect(second.json()).toMatchObject({ delivered: 150, rejected: 0, failed: 0 });
    const sent = world.requests();
    expect(sent.some(({ status }) => status === 429)).toBe(true);
    expect(sent.filter(({ accepted }) => accepted)).toHaveLength(300);
  });

  it('H21: never more than ten requests a second for one person, in the order of the file; others go meanwhile', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url, requestsPerSecondPerPerson: 10 } },
      delivery: PATIENT,
    });
    const ann = { email: 'ann@private.example', member: 'M-ANN' };
    const hers = Array.from({ length: 25 }, (_, i) => row(`ANN-${String(i).padStart(4, '0')}`, ann));
    world.drop('a.csv', csv([...hers, ...rows('A', 100)]));
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    const times = front.seen.filter(({ body }) => body.includes('M-ANN')).map(({ at }) => at);
    expect(times).toHaveLength(25);
    for (const [i, at] of times.entries()) {
      const tenBefore = times[i - 10];
      if (tenBefore !== undefined) expect(at - tenBefore).toBeGreaterThanOrEqual(990);
    }
    const order = world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');
    expect(order.filter((key) => key.startsWith('ANN'))).toEqual(hers.map(({ id }) => id));
    const lastOther = Math.max(...order.map((key, i) => (key.startsWith('A-') ? i : 0)));
    expect(order.indexOf('ANN-0024')).toBeGreaterThan(lastOther);
    expectAllDelivered(125);
  });
});
