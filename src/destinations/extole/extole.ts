import { createHttpClient, type HttpClient, type HttpReply } from '../../delivery/http.ts';
import { pacerFor } from '../../delivery/pacer.ts';
import type { DeliverySettings } from '../../delivery/settings.ts';
import type { Answer, DestinationIdentity, EventRecord, Io, Lane, Outgoing, RowLane, Sender } from '../../model.ts';
import { classify, withoutPerson } from './classify.ts';
import type { ExtoleSettings } from './settings.ts';

/** Lanes of single events. */
export type EventLane = Exclude<RowLane, 'links'>;

export interface ExtoleDestination {
  identity: DestinationIdentity;
  /** The lane for a file of this many rows. */
  laneFor(rows: number): Lane;
  open(lane: EventLane, options?: OpenOptions): ExtoleSender;
}

export interface OpenOptions {
  /**
   * Reads the token again from where it is kept. Called once when Extole refuses the token in use: where it returns
   * another one, that is used from then on and the refused rows are answered `retryable`, code `TOKEN_ROTATED`.
   */
  refreshToken?: () => string | undefined;
}

export interface ExtoleSender extends Sender {
  /** Rows wait in the sender for their turn, so the time to an answer says nothing about Extole's load. */
  readonly paced: boolean;
  /** Where it is paced, more at once are of no use. */
  readonly concurrency?: { start: number; max: number };
}

/** What opening a connection takes of the delivery settings. */
export type ExtoleTimeouts = Pick<DeliverySettings, 'concurrency' | 'timeout'>;

export function createExtole(settings: ExtoleSettings, delivery: ExtoleTimeouts, io: Io): ExtoleDestination {
  return {
    identity: { provider: 'extole', account: settings.account, container: settings.container },
    laneFor(rows) {
      if (settings.lane !== 'auto') return settings.lane;
      return rows <= settings.autoThreshold ? 'events' : 'async-events';
    },
    open: (lane, options = {}) => openSender(settings, delivery, io, lane, options),
  };
}

function openSender(
  settings: ExtoleSettings,
  delivery: ExtoleTimeouts,
  io: Io,
  lane: EventLane,
  options: OpenOptions,
): ExtoleSender {
  const target = eventsTarget(settings, lane);
  const http = connectTo(target.url, settings, delivery, io);
  const auth = createAuth(settings.token, options.refreshToken);
  const queue = lane === 'events' ? createQueue(settings, auth, io) : undefined;

  let usual = { token: '', headers: [''] };

  function post(row: Outgoing, done: (answers: readonly Answer[]) => void): void {
    const token = auth.token;
    if (usual.token !== token) usual = { token, headers: headersOf(token, undefined) };
    const headers = settings.requestIdHeader ? headersOf(token, row.attemptId) : usual.headers;
    http.post(target.path, headers, eventBody(row.event, settings), (reply) => {
      done([answerTo(reply, token, row.event)]);
    });
  }

  function answerTo(reply: HttpReply, token: string, event: EventRecord): Answer {
    const answer = withoutPerson(classify(reply, target.api, io.now()), event);
    // The row itself is not sent again here: each attempt leaves once, the next one has an id of its own.
    return answer.kind === 'halted' && answer.http === 401 && auth.replaced(token) ? ROTATED : answer;
  }

  return {
    maxBatchSize: 1,
    paced: queue !== undefined,
    ...(queue ? { concurrency: { start: 2, max: 2 } } : {}),
    send(batch, done) {
      const row = batch[0];
      if (!row) return done([]);
      if (queue) queue.add({ send: () => post(row, done), drop: () => done([CLOSED]) });
      else post(row, done);
    },
    async close() {
      queue?.close();
      await http.close();
    },
  };
}

const ROTATED: Answer = {
  kind: 'retryable',
  code: 'TOKEN_ROTATED',
  reason: 'Extole refused the token; it was read again and has changed',
  afterMs: 0,
  http: 401,
};

const CLOSED: Answer = {
  kind: 'retryable',
  code: 'NOT_SENT',
  reason: 'nothing was sent: closed while the row waited for its turn',
};

/** Where events of a lane go, and which API's answers to expect. */
export function eventsTarget(
  settings: ExtoleSettings,
  lane: EventLane,
): { url: string; path: string; api: 'v5' | 'v6' } {
  const { apiUrl, eventsUrl, paths } = settings;
  if (lane === 'async-events') return { url: eventsUrl, path: pathAt(eventsUrl, paths.asyncEvents), api: 'v6' };
  if (settings.apiVersion === 'v5') return { url: apiUrl, path: pathAt(apiUrl, paths.eventsV5), api: 'v5' };
  return { url: eventsUrl, path: pathAt(eventsUrl, paths.eventsV6), api: 'v6' };
}

/** A path below a base URL, which may have a path of its own. */
export function pathAt(baseUrl: string, path: string): string {
  return new URL(baseUrl).pathname.replace(/\/+$/, '') + path;
}

export function connectTo(
  url: string,
  settings: Pick<ExtoleSettings, 'ca' | 'allowPrivateAddresses'>,
  delivery: ExtoleTimeouts,
  io: Io,
  maxBodyBytes?: number,
): HttpClient {
  return createHttpClient(
    {
      origin: new URL(url).origin,
      connections: delivery.concurrency.max,
      headersTimeoutMs: delivery.timeout.headers,
      bodyTimeoutMs: delivery.timeout.headers,
      totalTimeoutMs: delivery.timeout.total,
      ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
      ...(settings.ca === undefined ? {} : { tls: { ca: settings.ca } }),
      allowPrivateAddresses: settings.allowPrivateAddresses,
    },
    io,
  );
}

export function headersOf(token: string, requestId: string | undefined): string[] {
  const headers = ['Authorization', `Bearer ${token}`, 'Content-Type', 'application/json', 'User-Agent', 'referry'];
  if (requestId !== undefined) headers.push('X-Request-Id', requestId);
  return headers;
}

/**
 * The event as Extole takes it. The key and the container come last, so that no column of a file can send an event
 * under another key or into another container.
 */
export function eventBody(event: EventRecord, settings: Pick<ExtoleSettings, 'container' | 'keyField'>): string {
  return JSON.stringify({
    event_name: event.eventName,
    event_time: event.eventTime,
    data: { ...event.data, [settings.keyField]: event.key, container: settings.container },
  });
}

export interface Auth {
  readonly token: string;
  /** Whether a request refused under this token should be tried again with another one. */
  replaced(refused: string): boolean;
}

export function createAuth(first: string, refresh: (() => string | undefined) | undefined): Auth {
  let current = first;
  let refused: string | undefined;
  return {
    get token() {
      return current;
    },
    replaced(token) {
      // Requests under the old token come back one after the other; only the first of them reads it again.
      if (token !== current) return true;
      if (token === refused) return false;
      refused = token;
      const fresh = refresh?.();
      if (fresh === undefined || fresh === '' || fresh === current) return false;
      current = fresh;
      return true;
    },
  };
}

interface Waiting {
  send(): void;
  drop(): void;
}

/** Rows of the `events` lane, in order, each at its moment. */
function createQueue(settings: ExtoleSettings, auth: Auth, io: Io): { add(row: Waiting): void; close(): void } {
  const waiting: Waiting[] = [];
  const closing = new AbortController();
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0 && !closing.signal.aborted) {
      if (await turn(auth.token, settings.requestsPerMinute, io, closing.signal)) waiting.shift()?.send();
    }
    running = false;
  }

  return {
    add(row) {
      if (closing.signal.aborted) return row.drop();
      waiting.push(row);
      if (!running) void run();
    },
    close() {
      closing.abort();
      for (const row of waiting.splice(0)) row.drop();
    },
  };
}

/** Waits until a request under this token may leave; false where `signal` came first. */
export async function turn(token: string, perMinute: number, io: Io, signal?: AbortSignal): Promise<boolean> {
  const now = io.monotonic();
  const pacer = pacerFor(token, perMinute, now);
  let wait = pacer.reserve(now) - now;
  do {
    if (wait > 0) await io.sleep(wait, signal).catch(() => {});
    if (signal?.aborted) return false;
    wait = pacer.left(io.monotonic());
  } while (wait > 0);
  return true;
}
