import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { ProfileExchange, ProfileSender } from '../../../src/destinations/profile.ts';
import { createLog, realIo } from '../../../src/io.ts';
import type { Answer, Io } from '../../../src/model.ts';

/** A call as the server got it. */
export interface SeenCall {
  method: string;
  /** With the query. */
  path: string;
  /** Names in lower case. */
  headers: Record<string, unknown>;
  /** Parsed where it is JSON, else text; `undefined` where there was none. */
  body: unknown;
}

/**
 * Opens the provider for an example. `settings` as the example has them. `at` gives the address under which the server plays
 * a host: `at('https://api.example.com')` is `http://127.0.0.1:4711/api.example.com`; every base URL of the settings goes
 * through it, so that the path of a call tells which host was meant.
 */
export type OpenForExample = (settings: unknown, at: (url: string) => string, io: Io) => ProfileSender;

/** One test for each example: its calls in order, whole bodies and the named headers, and its answers. */
export function testProfileExamples(examples: readonly ProfileExchange[], open: OpenForExample): void {
  test('worked examples have titles of their own, and an answer for each profile', () => {
    expect(new Set(examples.map(({ title }) => title)).size).toBe(examples.length);
    expect(examples.filter(({ batch, answers }) => batch.length !== answers.length)).toEqual([]);
  });

  test.each(examples.map((example) => [example.title, example] as const))(
    'worked example: %s',
    async (_title, example) => {
      const { calls, answers } = await runProfileExample(example, open);
      expect(calls.map(({ method, path, body }) => ({ method, path, body }))).toEqual(
        example.calls.map(({ request: { method, url, body } }) => ({ method, path: pathFor(url), body })),
      );
      for (const [i, { request }] of example.calls.entries()) {
        const named = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]);
        expect(calls[i]?.headers).toMatchObject(Object.fromEntries(named));
      }
      expect(answers).toEqual(example.answers);
    },
  );
}

/** Plays an example's replies in order; a call more than it has is answered 500, and shows among the calls. */
export async function runProfileExample(
  example: ProfileExchange,
  open: OpenForExample,
  io: Io = realIo(createLog('silent')),
): Promise<{ calls: SeenCall[]; answers: Answer[] }> {
  const answers: Answer[] = [];
  const calls = await playReplies(example.calls, async (at) => {
    const sender = open(example.settings, at, io);
    try {
      answers.push(...(await sender.send(example.batch, new AbortController().signal)));
    } finally {
      await sender.close();
    }
  });
  return { calls, answers };
}

/** Answers calls with these replies, in order, while `work` makes them; `at` as in `OpenForExample`. */
export async function playReplies(
  replies: ProfileExchange['calls'],
  work: (at: (url: string) => string) => Promise<void>,
): Promise<SeenCall[]> {
  const calls: SeenCall[] = [];
  const server = createServer((req, res) => {
    void bodyOf(req).then((body) => {
      const reply = replies[calls.length]?.reply;
      calls.push({ method: req.method ?? '', path: req.url ?? '', headers: req.headers, body });
      if (reply) answer(res, reply);
      else answer(res, { status: 500, headers: {}, body: 'the example has no such call' });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    await work((url) => `http://127.0.0.1:${port}${pathFor(url)}`);
    return calls;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** `https://api.example.com/v1/x?y=1` is `/api.example.com/v1/x?y=1`. */
export function pathFor(url: string): string {
  const { hostname, pathname, search } = new URL(url);
  return `/${hostname}${pathname === '/' ? '' : pathname}${search}`;
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function answer(res: ServerResponse, reply: ProfileExchange['calls'][number]['reply']): void {
  res.writeHead(reply.status, reply.headers).end(reply.body);
}
