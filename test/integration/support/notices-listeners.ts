import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Received {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** An HTTP server that takes what is posted to it. */
export interface HttpListener extends AsyncDisposable {
  url: string;
  /** What was answered well, in order. */
  received: Received[];
  /** Everything that came, also what was refused. */
  all: Received[];
  /** The status of the answers to come, by path; 200 where none is set. `hang`: no answer at all. */
  answer(path: string, status: number | 'hang'): void;
}

export async function listenHttp(): Promise<HttpListener> {
  const statuses = new Map<string, number | 'hang'>();
  const received: Received[] = [];
  const all: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const one = { path, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      all.push(one);
      const status = statuses.get(path) ?? (path.startsWith('/pagerduty') ? 202 : 200);
      if (status === 'hang') return;
      if (status < 300) received.push(one);
      response.writeHead(status).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    received,
    all,
    answer: (path, status) => {
      statuses.set(path, status);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Mail {
  from: string;
  to: string[];
  /** As it came, headers and text. */
  raw: string;
}

/** A mail server without TLS and accounts. */
export interface SmtpListener extends AsyncDisposable {
  url: string;
  mails: Mail[];
  /** Refuses what comes with this code; 0: takes it. */
  refuse(code: number): void;
}

export async function listenSmtp(): Promise<SmtpListener> {
  const mails: Mail[] = [];
  let refusal = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData(stream, session, done) {
      let raw = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        raw += text;
      });
      stream.on('end', () => {
        if (refusal !== 0) {
          done(Object.assign(new Error('not now'), { responseCode: refusal }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  return {
    url: `smtp://127.0.0.1:${portOf(server.server.address())}`,
    mails,
    refuse: (code) => {
      refusal = code;
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Checks a signature as the documentation tells a receiver to. */
export function verify({ headers, body }: Received, secret: string): { seconds: number; good: boolean } {
  const [, seconds = '', given = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-referry-signature'])) ?? [];
  const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { seconds: Number(seconds), good: given === expected };
}
