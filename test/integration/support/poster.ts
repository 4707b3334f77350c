import { request as startRequest } from 'node:http';
import type { Io } from '../../../src/model.ts';

/** How one request is sent. */
export interface PostStyle {
  /** Cut into pieces of so many bytes, with a pause between them. */
  pieces?: { bytes: number; pauseMs: number };
  /** Without saying beforehand how long it is. */
  chunked?: boolean;
  /** The connection is cut after so many bytes of the body. */
  cutAfter?: number;
}

/** `status` 0: no answer came. */
export interface Answered {
  status: number;
  body: string;
  retryAfter: string | undefined;
}

/** Sends one POST on a connection of its own. Never throws. */
export async function post(
  io: Io,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  { pieces, chunked = false, cutAfter }: PostStyle = {},
): Promise<Answered> {
  return new Promise((resolve) => {
    const length = chunked ? {} : { 'content-length': String(body.length) };
    const request = startRequest(url, { method: 'POST', agent: false, headers: { ...headers, ...length } });
    const none = (): void => resolve({ status: 0, body: '', retryAfter: undefined });
    request.on('error', none);
    request.on('close', none);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', none);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(parts).toString('utf8'),
          retryAfter: response.headers['retry-after'],
        }),
      );
    });
    const send = async (): Promise<void> => {
      const whole = cutAfter === undefined ? body : body.subarray(0, cutAfter);
      const step = pieces?.bytes ?? Math.max(whole.length, 1);
      for (let at = 0; at < whole.length && !request.destroyed; at += step) {
        request.write(whole.subarray(at, at + step));
        if (pieces) await io.sleep(pieces.pauseMs);
      }
      if (cutAfter === undefined) request.end();
      else request.destroy();
    };
    void send();
  });
}
