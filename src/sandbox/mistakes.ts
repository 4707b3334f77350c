import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Io, TransferError } from '../model.ts';

/** What a stand-in does where it breaks: that must not end whoever else listens in its process, nor pass unseen. */
export interface Mistakes {
  /** Says so in the log, and answers 500 with this body. */
  answer(cause: unknown, req: IncomingMessage, res: ServerResponse, body: string | Uint8Array): void;
  /** The first one; absent where there was none. */
  first(): TransferError | undefined;
}

/** `name`: the stand-in's, for people. */
export function createMistakes(io: Pick<Io, 'log'>, name: string): Mistakes {
  let first: TransferError | undefined;
  return {
    answer(cause, req, res, body) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `the stand-in for ${name} broke at ${req.method} ${req.url?.split('?')[0]}: ${why}`;
      const hint = 'this is a mistake in the stand-in, not in the job; report it';
      const error = new TransferError('SANDBOX', message, { hint, cause });
      first ??= error;
      io.log.error({ code: error.code, stack: cause instanceof Error ? cause.stack : undefined }, message);
      if (res.headersSent) res.destroy();
      else res.writeHead(500, { 'content-type': 'application/json' }).end(body);
    },
    first: () => first,
  };
}
