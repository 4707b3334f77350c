import { createServer, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import type { LinkAnswer } from '../../src/destinations/extole/links/answers.ts';
import { examples, type LinkExchange } from '../../src/destinations/extole/links/examples.ts';
import { createLinks } from '../../src/destinations/extole/links/links.ts';
import { linksSettings } from '../../src/destinations/extole/links/settings.ts';
import { createLog, realIo } from '../../src/io.ts';

const io = realIo(createLog('silent'));

interface Seen {
  method: string;
  path: string;
  headers: Record<string, unknown>;
  body: unknown;
}

/** `https://api.example.com/v1/x?y=1` is `/api.example.com/v1/x?y=1`: the path tells which host was called. */
function pathFor(url: string): string {
  const { hostname, pathname, search } = new URL(url);
  return `/${hostname}${pathname === '/' ? '' : pathname}${search}`;
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Plays an example's replies in order; a call more than it has is answered 403, and shows among the calls. */
async function run(example: LinkExchange): Promise<{ seen: Seen[]; answer: LinkAnswer }> {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    void textOf(req).then((body) => {
      const reply = example.calls[seen.length]?.reply ?? { status: 403, headers: {}, body: '' };
      const { method = '', url = '', headers } = req;
      seen.push({ method, path: url, headers, body: body === '' ? undefined : JSON.parse(body) });
      res.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const settings = linksSettings.parse(example.settings);
  const links = createLinks({ ...settings, apiUrl: `http://127.0.0.1:${port}${pathFor(settings.apiUrl)}` }, io);
  try {
    return { seen, answer: await links.create(example.person, new AbortController().signal) };
  } finally {
    await links.close();
    server.closeAllConnections();
    server.close();
  }
}

test.each(examples.map((example) => [example.title, example] as const))(
  'worked example: %s',
  async (_title, example) => {
    const { seen, answer } = await run(example);
    expect(seen.map(({ method, path, body }) => ({ method, path, body }))).toEqual(
      example.calls.map(({ request: { method, url, body } }) => ({ method, path: pathFor(url), body })),
    );
    for (const [i, { request }] of example.calls.entries()) {
      const named = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]);
      expect(seen[i]?.headers).toMatchObject(Object.fromEntries(named));
    }
    expect(answer).toEqual(example.answer);
  },
);
