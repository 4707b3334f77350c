import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { deliverySettings } from '../../src/delivery/settings.ts';
import type { Exchange } from '../../src/destinations/exchange.ts';
import { examples } from '../../src/destinations/extole/examples.ts';
import { createExtole } from '../../src/destinations/extole/extole.ts';
import { extoleSettings } from '../../src/destinations/extole/settings.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer } from '../../src/model.ts';

const io = realIo(createLog('silent'));

interface Seen {
  method: string;
  path: string;
  headers: Record<string, unknown>;
  body: unknown;
}

/** Runs one exchange against a server that gives the example's reply. */
async function run(example: Exchange): Promise<{ seen: Seen[]; answers: readonly Answer[] }> {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => {
      seen.push({ method: req.method ?? '', path: req.url ?? '', headers: req.headers, body: JSON.parse(body) });
      res.writeHead(example.reply.status, example.reply.headers).end(example.reply.body);
    });
  });
  const url = await new Promise<string>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
    });
  });
  const parsed = extoleSettings.parse(example.settings);
  // The path of the base URL tells which of the two hosts was called.
  const settings = { ...parsed, apiUrl: `${url}/api.extole.io`, eventsUrl: `${url}/events.extole.io/` };
  const extole = createExtole(settings, deliverySettings.parse({}), io);
  const lane = extole.laneFor(1);
  if (lane !== 'events' && lane !== 'async-events') throw new Error('examples are of rows');
  const sender = extole.open(lane);
  const answers = await new Promise<readonly Answer[]>((resolve) => sender.send(example.batch, resolve));
  await sender.close();
  server.close();
  return { seen, answers };
}

test.each(examples.map((example) => [example.title, example] as const))(
  'worked example: %s',
  async (_title, example) => {
    const { seen, answers } = await run(example);
    expect(answers).toEqual(example.answers);
    expect(seen).toHaveLength(1);
    const { hostname, pathname } = new URL(example.request.url);
    expect(seen[0]).toMatchObject({
      method: example.request.method,
      path: `/${hostname}${pathname}`,
      headers: Object.fromEntries(
        Object.entries(example.request.headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
    });
    expect(seen[0]?.body).toEqual(example.request.body);
  },
);
