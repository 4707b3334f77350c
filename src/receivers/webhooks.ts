import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Io } from '../model.ts';
import { type Budget, dropRest, readBody } from './body.ts';
import type { Commits } from './commits.ts';
import type { Hook } from './hook.ts';
import type { Result, Tally } from './tally.ts';

export interface WebhookOptions {
  io: Io;
  commits: Commits;
  tally: Tally;
  /** The place of a job. `unclear`: there is none, and a job file is wrong, which may be why. */
  hookOf: (job: string) => Promise<Hook | 'unknown' | 'unclear'>;
}

interface Room {
  budget: Budget;
  /** Posts that may still come at once. */
  places: number;
}

/** Where a job's provider posts to. */
export const WEBHOOKS = '/webhooks/';

/**
 * Memory for bodies that are on their way, and how many may be at once; who comes beyond that is told to come again. Small bodies have a room of
 * their own, so that nobody without a key keeps them out by sending large ones.
 */
const ROOMS = {
  small: { bytes: 13 * 1024 * 1024, posts: 200 },
  large: { bytes: 32 * 1024 * 1024, posts: 200 },
} as const;
/** In bytes: the largest body of a place whose bodies are small. */
const SMALL = 64 * 1024;
/** Of a body that is refused: as much as anybody sends who means it. */
const MOST_DROPPED = 32 * 1024 * 1024;
const AGAIN_S = { crowded: 5, unwritable: 60, full: 600, unclear: 60 };
const LOGGED_EVERY_MS = 60_000;

/** The pages where providers post: who it is and what it holds is looked at, and it is in the ledger before the 200. */
export function addWebhooks(app: FastifyInstance, { io, commits, tally, hookOf }: WebhookOptions): void {
  const roomOf = ({ bytes, posts }: (typeof ROOMS)['small' | 'large']): Room => ({
    budget: { left: bytes },
    places: posts,
  });
  const rooms = { small: roomOf(ROOMS.small), large: roomOf(ROOMS.large) };
  const tell = createTeller(io);

  const take = async (request: FastifyRequest<{ Params: { job: string } }>, reply: FastifyReply): Promise<unknown> => {
    const refuse = async (code: number, error: string, againS?: number): Promise<FastifyReply> => {
      if (!request.raw.complete) await dropRest(request.raw, MOST_DROPPED);
      // What it still sends is not read.
      if (!request.raw.complete) reply.header('connection', 'close');
      if (againS !== undefined) reply.header('retry-after', String(againS));
      return reply.code(code).send({ error });
    };
    const hook = await hookOf(request.params.job);
    if (hook === 'unclear') return refuse(503, 'a job file of referry is wrong: referry check', AGAIN_S.unclear);
    if (hook === 'unknown') return refuse(404, 'no job takes webhooks here');
    const count = (result: Result): void => tally.count(hook.job, result);
    const again = (why: string, seconds: number): Promise<FastifyReply> => {
      count('unavailable');
      return refuse(503, why, seconds);
    };
    const forged = (why: string): Promise<FastifyReply> => {
      count('unauthorized');
      tell(hook.job, 'WEBHOOK_UNAUTHORIZED', `webhook refused: ${why}`);
      return refuse(hook.forgedStatus, 'not authorized');
    };
    if (!hook.mayBe(request.headers)) return forged('its key is missing or wrong');
    if (Number(request.headers['content-length'] ?? 0) > hook.mostBytes) {
      count('too-large');
      return refuse(413, `at most ${hook.mostBytes} bytes are taken`);
    }
    const room = hook.mostBytes > SMALL ? rooms.large : rooms.small;
    if (room.places === 0) return again('too much at once', AGAIN_S.crowded);
    room.places -= 1;
    const body = await readBody(
      request.body instanceof Readable ? request.body : Readable.from([]),
      hook.mostBytes,
      room.budget,
    );
    try {
      if (body.kind !== 'whole') body.free();
      if (body.kind === 'crowded') return await again('too much at once', AGAIN_S.crowded);
      if (body.kind === 'too-large') {
        count('too-large');
        return await refuse(413, `at most ${hook.mostBytes} bytes are taken`);
      }
      if (body.kind === 'cut-off') {
        count('cut-off');
        return await refuse(400, 'the body came to no end');
      }
      const judged = hook.judge(request.headers, body.bytes);
      if (judged.kind === 'forged') return await forged(judged.why);
      if (judged.kind === 'unreadable') {
        count('unreadable');
        tell(hook.job, 'WEBHOOK_UNREADABLE', `webhook refused: ${judged.why}`);
        return await refuse(400, judged.why);
      }
      if (judged.kind === 'ignored') {
        count('ignored');
        return reply.send({ status: 'ignored', why: judged.why });
      }
      const end = await commits.add(judged.work);
      if (end.kind === 'crowded') return await again('too much at once', AGAIN_S.crowded);
      if (end.kind === 'failed') {
        tell(hook.job, end.code, 'webhook not taken: the ledger cannot be written');
        return await again('it cannot be written down now', AGAIN_S.unwritable);
      }
      if (end.value === 'full') {
        tell(hook.job, 'WEBHOOK_FULL', 'webhook not taken: too many members wait to be taken up by this job');
        return await again('too much waits to be taken up', AGAIN_S.full);
      }
      count(end.value);
      return reply.send({ status: end.value });
    } finally {
      room.places += 1;
      body.free();
    }
  };

  void app.register(async (scope) => {
    // Read here, byte by byte as it is signed; what type it says it has does not matter.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_, payload, done) => done(null, payload));
    scope.post<{ Params: { job: string } }>(`${WEBHOOKS}:job`, { bodyLimit: Number.MAX_SAFE_INTEGER }, take);
  });
}

/** Tells the log of each kind of trouble of a job once a minute, and how often it was: who floods us does not flood the log. */
function createTeller(io: Io): (job: string, code: string, message: string) => void {
  const last = new Map<string, { at: number; more: number }>();
  return (job, code, message) => {
    const key = JSON.stringify([job, code]);
    const known = last.get(key);
    if (known && io.monotonic() - known.at < LOGGED_EVERY_MS) {
      known.more += 1;
      return;
    }
    last.set(key, { at: io.monotonic(), more: 0 });
    io.log.warn({ job, code, ...(known?.more ? { before: known.more } : {}) }, message);
  };
}
