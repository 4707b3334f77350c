import type { IncomingMessage } from 'node:http';

/** The attempt's id, empty where there is none. */
export function requestIdOf(req: IncomingMessage): string {
  const id = req.headers['x-request-id'];
  return typeof id === 'string' ? id : '';
}

/** JSON, or the text where it is none. */
export function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** Nearly every body comes in one piece. */
export function readBody(req: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => void chunks.push(chunk));
  req.on('end', () => {
    const [first] = chunks;
    done(chunks.length > 1 ? Buffer.concat(chunks).toString('utf8') : (first?.toString('utf8') ?? ''));
  });
}
