import type { SFTPWrapper } from 'ssh2';
import type { Io } from '../model.ts';
import { TransferError } from '../model.ts';
import { prepareCipherKeys } from './cipher-keys.ts';
import { sleepUntil, withDeadline } from './deadline.ts';
import { statusOf, textOf } from './errors.ts';
import type { Wire } from './handshake.ts';
import type { RemoteSettings } from './settings.ts';

type Done<T> = (error: Error | null | undefined, value: T) => void;

/** One live SFTP connection with a deadline on everything. Once broken it stays broken. */
export interface Session {
  readonly sftp: SFTPWrapper;
  /** Most bytes of one read and of one write request that the server takes. */
  readonly lengths: { read: number; write: number };
  /** Why it can no longer be used. */
  readonly broken: TransferError | undefined;
  /** One request and its answer. Rejects with the server's error as it is, or with the reason why the session broke. */
  call<T>(doing: string, start: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T>;
  /** As `call`, where no value comes back. */
  run(doing: string, start: (sftp: SFTPWrapper, done: (error?: Error | null) => void) => void): Promise<void>;
  /** Many requests in flight at once, watched by the bytes that move instead of by time. */
  transfer(doing: string, onBroken: (error: TransferError) => void): Transfer;
  close(): Promise<void>;
}

export interface Transfer {
  /** Requests are waiting for the server (not for our own disk). */
  waiting(on: boolean): void;
  /** One of them was answered. */
  moved(): void;
  /** What the work sends leaves at once: ssh2 writes each packet in four pieces. */
  together(work: () => void): void;
  end(): void;
}

interface Pending {
  doing: string;
  /** Milliseconds of the monotonic clock. */
  since: number;
  byBytes: boolean;
  waiting: boolean;
  fail(error: TransferError): void;
}

/** A keepalive and its answer, with room to spare: what moves although a transfer stands still. */
const KEEPALIVE_BYTES = 512;
/** Signs of life that may be missing before the other side counts as gone. */
const SILENT_KEEPALIVES = 4;
const END_MS = 5000;
/**
 * How long an answer is waited for once everything is to stop, and how long a transfer goes on by then that is large or on a narrow
 * line. What is cut off is done anew by the next run.
 */
const LAST_WAIT_MS = 5000;

export function createSession(
  wire: Wire,
  settings: RemoteSettings,
  io: Io,
  host: string,
  signal?: AbortSignal,
): Session {
  const { sftp, socket, client } = wire;
  const pendings = new Set<Pending>();
  const closed = new AbortController();
  let broken: TransferError | undefined;

  function breakWith(error: TransferError): void {
    if (broken !== undefined) return;
    broken = error;
    closed.abort();
    socket.destroy();
    for (const pending of [...pendings]) pending.fail(error);
    pendings.clear();
  }

  function lost(error?: unknown): void {
    breakWith(disconnected(host, error, pendings.values().next().value?.doing));
  }

  client.on('error', (error: unknown) => lost(error));
  sftp.on('error', (error: unknown) => lost(error));
  sftp.on('close', () => lost());
  sftp.on('end', () => lost());
  socket.on('close', () => lost());

  /** Looks at the deadlines from time to time: cheaper than a timer for each of thousands of requests. */
  async function watch(): Promise<void> {
    const { stallTimeout, operationTimeout, keepalive } = settings;
    const tick = Math.max(20, Math.min(stallTimeout, operationTimeout, keepalive, 20_000) / 4);
    const tolerance = KEEPALIVE_BYTES * (1 + Math.ceil(stallTimeout / keepalive));
    let heard = { bytes: socket.bytesRead, at: io.monotonic() };
    let moved = { bytes: 0, at: io.monotonic() };
    let stoppedAt = Number.POSITIVE_INFINITY;
    for (;;) {
      const due = io.monotonic() + tick;
      await sleepUntil(io, due, closed.signal);
      const now = io.monotonic();
      // Time in which we did not run ourselves (a busy or suspended machine) is not held against the other side.
      const late = Math.max(0, now - due - tick);
      heard.at += late;
      moved.at += late;
      for (const pending of pendings) pending.since += late;
      if (socket.bytesRead !== heard.bytes) heard = { bytes: socket.bytesRead, at: now };
      if (now - heard.at >= SILENT_KEEPALIVES * keepalive) {
        lost(new Error(`no sign of life for ${Math.round(now - heard.at)} ms`));
      }
      if (signal?.aborted) stoppedAt = Math.min(stoppedAt, now);
      const [last] = pendings;
      if (last !== undefined && now - stoppedAt >= LAST_WAIT_MS) breakWith(cutOff(host, last));
      const bytes = socket.bytesRead + socket.bytesWritten;
      if (bytes - moved.bytes > tolerance) moved = { bytes, at: now };
      for (const pending of pendings) {
        const since = pending.byBytes ? Math.max(moved.at, pending.since) : pending.since;
        const patience = pending.byBytes ? stallTimeout : operationTimeout;
        const limit = signal?.aborted ? Math.min(patience, LAST_WAIT_MS) : patience;
        if (pending.waiting && now - since >= limit) breakWith(stalled(host, pending, limit));
      }
    }
  }
  watch().catch(() => {});

  function call<T>(doing: string, start: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (broken !== undefined) {
        reject(broken);
        return;
      }
      const pending: Pending = { doing, since: io.monotonic(), byBytes: false, waiting: true, fail: reject };
      pendings.add(pending);
      const done: Done<T> = (error, value) => {
        pendings.delete(pending);
        // When the connection breaks, ssh2 fails its requests before it says why.
        if (error && statusOf(error) === undefined) lost(error);
        if (error) reject(broken ?? error);
        else resolve(value);
      };
      try {
        start(sftp, done);
      } catch (error) {
        pendings.delete(pending);
        reject(error);
      }
    });
  }

  return {
    sftp,
    lengths: { read: lengthOf(sftp, '_maxReadLen'), write: lengthOf(sftp, '_maxWriteLen') },
    get broken() {
      return broken;
    },
    call,
    run: (doing, start) => call<void>(doing, (channel, done) => start(channel, (error) => done(error, undefined))),
    transfer(doing, onBroken) {
      prepareCipherKeys(client);
      const pending: Pending = { doing, since: io.monotonic(), byBytes: true, waiting: false, fail: onBroken };
      pendings.add(pending);
      if (broken !== undefined) onBroken(broken);
      return {
        waiting(on) {
          if (on && !pending.waiting) pending.since = io.monotonic();
          pending.waiting = on;
        },
        moved() {
          pending.since = io.monotonic();
        },
        together(work) {
          socket.cork();
          work();
          socket.uncork();
        },
        end() {
          pendings.delete(pending);
        },
      };
    },
    async close() {
      if (broken === undefined) {
        broken = new TransferError('SFTP_CLOSED', `the connection to ${host} was closed by us`);
        // The other side may never answer our goodbye.
        await withDeadline(io, END_MS, client.end(), () => socket.destroy()).catch(() => {});
      }
      closed.abort();
      socket.destroy();
    },
  };
}

/** ssh2 keeps what the server's limits@openssh.com said in fields without a type. */
function lengthOf(sftp: SFTPWrapper, field: string): number {
  const value: unknown = Reflect.get(sftp, field);
  return typeof value === 'number' && value >= 1024 ? value : 30_000;
}

function disconnected(host: string, error: unknown, doing: string | undefined): TransferError {
  const why = error === undefined ? '' : `: ${textOf(error)}`;
  return new TransferError(
    'SFTP_DISCONNECTED',
    `lost the connection to ${host}${doing === undefined ? '' : ` while trying to ${doing}`}${why}`,
    {
      retryable: true,
      cause: error,
      hint: 'it is re-established by the next call; if it happens often, look at the network and at limits of the server',
    },
  );
}

function cutOff(host: string, { doing }: Pending): TransferError {
  return new TransferError(
    'SFTP_CLOSED',
    `the connection to ${host} was closed by us in the middle of: ${doing}; we were told to stop`,
  );
}

function stalled(host: string, pending: Pending, limit: number): TransferError {
  const message = pending.byBytes
    ? `no bytes moved for ${limit} ms while trying to ${pending.doing}`
    : `no answer for ${limit} ms to: ${pending.doing}`;
  return new TransferError('SFTP_STALLED', `${host}: ${message}; the connection was cut`, {
    retryable: true,
    hint: pending.byBytes
      ? 'the server answers but sends nothing; stallTimeout sets how long to wait'
      : 'operationTimeout sets how long to wait',
  });
}
