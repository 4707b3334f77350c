import type { ServerResponse } from 'node:http';
import type { Io } from '../../model.ts';
import { errorBody, type Reply } from './errors.ts';

/**
 * A way to misbehave. `accept`: the event is taken before the bad answer (`post`), or not at all (`pre`): what a client
 * cannot tell apart must exist in both kinds.
 */
export type Fault =
  /** Any status. `body` defaults to Extole's error body with `code`. */
  | {
      kind: 'status';
      status: number;
      accept?: boolean;
      code?: string;
      message?: string;
      headers?: Readonly<Record<string, string>>;
      body?: string;
    }
  /** A 200 with this body; `{id}` in it stands for the event's id. */
  | { kind: 'body'; accept: boolean; body: string; type?: string; headers?: Readonly<Record<string, string>> }
  /** RST before the first byte of an answer. */
  | { kind: 'reset'; accept: boolean }
  /** FIN in the middle of the headers, or of the body. */
  | { kind: 'cut'; accept: boolean; where: 'headers' | 'body' }
  /** No answer ever. `afterMs`: the event is taken that much later. */
  | { kind: 'hang'; accept: boolean; afterMs?: number }
  /** Headers byte by byte, so slowly that they never end. */
  | { kind: 'slow-headers'; accept: boolean }
  /** A body that never ends: `chunk` bytes each `everyMs`. */
  | { kind: 'endless-body'; accept: boolean; chunk?: number; everyMs?: number }
  /** A right answer, late. */
  | { kind: 'slow'; ms: number }
  /** A right answer, after which the connection is closed without having said so. */
  | { kind: 'close-idle' };

const HTML = '<!doctype html><title>Sign in to the network</title>';

/** Short names of the usual ones. */
export const FAULTS = {
  '429': { kind: 'status', status: 429, code: 'too_many_requests' },
  '429-retry-after-2': { kind: 'status', status: 429, code: 'too_many_requests', headers: { 'retry-after': '2' } },
  '500pre': { kind: 'status', status: 500, code: 'software_error' },
  '500post': { kind: 'status', status: 500, code: 'software_error', accept: true },
  '503pre': { kind: 'status', status: 503, body: 'unavailable' },
  resetpre: { kind: 'reset', accept: false },
  resetpost: { kind: 'reset', accept: true },
  'cut-headers': { kind: 'cut', accept: true, where: 'headers' },
  'cut-body': { kind: 'cut', accept: true, where: 'body' },
  'badjson-pre': { kind: 'body', accept: false, body: '{"event_id":' },
  'badjson-post': { kind: 'body', accept: true, body: '{"event_id":' },
  'truncated-json': { kind: 'body', accept: true, body: '{"event_id":"{id}' },
  'html-pre': { kind: 'body', accept: false, body: HTML, type: 'text/html' },
  'html-post': { kind: 'body', accept: true, body: HTML, type: 'text/html' },
  'empty-body': { kind: 'body', accept: false, body: '' },
  'empty-object': { kind: 'body', accept: false, body: '{}' },
  'null-id': { kind: 'body', accept: false, body: '{"event_id":null}' },
  'numeric-id': { kind: 'body', accept: true, body: '{"event_id":{id}}' },
  'error-header': {
    kind: 'body',
    accept: false,
    body: '{"event_id":"{id}"}',
    headers: { 'x-extole-error-message': 'The event could not be processed' },
  },
  'timeout-pre': { kind: 'hang', accept: false },
  'timeout-post': { kind: 'hang', accept: true },
  zombie: { kind: 'hang', accept: true, afterMs: 5000 },
  'slow-headers': { kind: 'slow-headers', accept: true },
  'endless-body': { kind: 'endless-body', accept: true },
  'flood-body': { kind: 'endless-body', accept: true, chunk: 32_768, everyMs: 1 },
  slow: { kind: 'slow', ms: 1000 },
  'close-idle': { kind: 'close-idle' },
  '201': { kind: 'status', status: 201, accept: true, body: '{"event_id":"{id}"}' },
  '202': { kind: 'status', status: 202, accept: true, body: '{"event_id":"{id}"}' },
  '204': { kind: 'status', status: 204, body: '' },
  '301': { kind: 'status', status: 301, body: '', headers: { location: 'http://127.0.0.1:9/' } },
  '302': { kind: 'status', status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } },
  '308': { kind: 'status', status: 308, body: '', headers: { location: 'http://127.0.0.1:9/' } },
  '401': { kind: 'status', status: 401, code: 'method_unauthorized' },
  '402': { kind: 'status', status: 402, code: 'payment_required' },
  '403': { kind: 'status', status: 403, code: 'access_denied' },
  '404': { kind: 'status', status: 404, body: 'not found' },
  '405': { kind: 'status', status: 405, body: 'method not allowed' },
  '413': { kind: 'status', status: 413, body: 'too large' },
  '415': { kind: 'status', status: 415, code: 'unsupported_media_type' },
  '431': { kind: 'status', status: 431, body: 'headers too large' },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** Decides, for each posted event and each request to files and batches, whether to misbehave. */
export type FaultSource = (request: FaultRequest) => Fault | FaultName | undefined;

export interface FaultRequest {
  /** Requests so far that could be played a fault, this one included. */
  seq: number;
  method: string;
  path: string;
  requestId: string;
  body: string;
}

/** Whether the event is taken before the client is mistreated. */
export function acceptsFirst(fault: Fault): boolean {
  switch (fault.kind) {
    case 'slow':
    case 'close-idle':
      return true;
    case 'hang':
      return fault.accept && fault.afterMs === undefined;
    case 'status':
      return fault.accept ?? false;
    default:
      return fault.accept;
  }
}

/** The status that the client gets to see; `undefined` where it gets none. */
export function statusOf(fault: Fault, right: Reply): number | undefined {
  switch (fault.kind) {
    case 'status':
      return fault.status;
    case 'body':
    case 'endless-body':
      return 200;
    case 'cut':
      return fault.where === 'body' ? 200 : undefined;
    case 'slow':
    case 'close-idle':
      return right.status;
    default:
      return undefined;
  }
}

/** Answers badly. `right`: the answer that a healthy server would give; `eventId`: for `{id}`. */
export async function misbehave(
  fault: Fault,
  res: ServerResponse,
  right: Reply,
  eventId: string,
  io: Io,
): Promise<void> {
  const { socket } = res;
  if (!socket) return;
  switch (fault.kind) {
    case 'status': {
      const body =
        fault.body ?? errorBody(fault.status, fault.code ?? 'error', fault.message ?? `status ${fault.status}`);
      return write(res, fault.status, body.replaceAll('{id}', eventId), fault.headers);
    }
    case 'body':
      return write(res, 200, fault.body.replaceAll('{id}', eventId), {
        'content-type': fault.type ?? 'application/json',
        ...fault.headers,
      });
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'cut':
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json${fault.where === 'body' ? CUT_BODY : ''}`);
      return;
    case 'hang':
      return;
    case 'slow-headers':
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
      return drip(res, 1, 1000, io);
    case 'endless-body':
      res.writeHead(200, { 'content-type': 'application/json' });
      return drip(res, fault.chunk ?? 1, fault.everyMs ?? 50, io);
    case 'slow':
      await io.sleep(fault.ms);
      return write(res, right.status, right.body);
    case 'close-idle':
      write(res, right.status, right.body);
      // The answer promised keep-alive; by the time the client sends again, the connection is gone.
      setImmediate(() => socket.resetAndDestroy());
  }
}

const CUT_BODY = '\r\nContent-Length: 100\r\n\r\n{"event_id":"';

function write(
  res: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  const length = status === 204 || status === 304 ? {} : { 'content-length': Buffer.byteLength(body) };
  res.writeHead(status, { 'content-type': 'application/json', ...length, ...headers });
  res.end(body);
}

async function drip(res: ServerResponse, bytes: number, everyMs: number, io: Io): Promise<void> {
  const chunk = 'x'.repeat(bytes);
  while (res.socket && !res.socket.destroyed) {
    if (res.headersSent) res.write(chunk);
    else res.socket.write(chunk);
    await io.sleep(everyMs);
  }
}
