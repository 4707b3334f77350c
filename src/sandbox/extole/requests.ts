import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { boundaryOf, partsOf } from './multipart.ts';

/** The attempt's id, empty where there is none. */
export function requestIdOf(req: IncomingMessage): string {
  const id = req.headers['x-request-id'];
  return typeof id === 'string' ? id : '';
}

/** A body as the log has it: JSON, or the text where it is none; of a form, its parts without the contents of files. */
export function bodyOf(req: IncomingMessage, body: Buffer): unknown {
  const boundary = boundaryOf(req.headers['content-type']);
  if (boundary === undefined) return parsed(body.toString('utf8'));
  const parts = partsOf(body, boundary);
  if (typeof parts === 'string') return { form: parts };
  return {
    form: parts.map(({ body: bytes, ...part }) =>
      part.filename === undefined
        ? { ...part, value: parsed(bytes.toString('utf8')) }
        : { ...part, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    ),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Nearly every body comes in one piece. */
export function readBody(req: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => void chunks.push(chunk));
  req.on('end', () => {
    const [first] = chunks;
    done(chunks.length === 1 && first ? first : Buffer.concat(chunks));
  });
}
