import { answerRequest, type Request, type RequestAnswer, takeRequest } from '../ledger/requests.ts';
import { TransferError } from '../model.ts';
import type { Turns } from './turns.ts';
import type { Asked, ExecuteOptions } from './verb.ts';
import { VERBS } from './verbs/registry.ts';

/** Executes what commands leave in the ledger for the process that holds it. */
export interface Service {
  /**
   * Takes the oldest request that waits, executes it when its turn comes, and answers. One that is cut short by the signal gets
   * no answer: it is given to the next daemon, unless the command gives up before. Throws where the ledger does not let it look.
   */
  look(): void;
}

/** `ended`: called after each request. `noteFailure`: told of what one failed with, and says what it was. */
export function createService(
  options: ExecuteOptions,
  turns: Turns,
  ended: () => void,
  noteFailure: (error: unknown) => unknown,
): Service {
  const { ledger, io, signal } = options;
  /** Answers that could not be written down, on a full disk for one: somebody waits for them. */
  const owed = new Map<number, RequestAnswer>();

  const settle = (): void => {
    for (const [id, answer] of owed) {
      answerRequest(ledger, id, answer, io.now());
      owed.delete(id);
    }
  };

  const work = async (request: Request, asked: Asked): Promise<void> => {
    try {
      const answer = await answerTo(request, asked, options, noteFailure);
      if (!answer) return;
      owed.set(request.id, answer);
      settle();
    } catch (error) {
      const problem = noteFailure(error);
      if (!signal.aborted) io.log.error({ request: request.id, code: codeOf(problem) }, String(problem));
    } finally {
      ended();
    }
  };

  return {
    look() {
      settle();
      const request = takeRequest(ledger, io.now());
      if (!request) return;
      const asked: Asked = JSON.parse(request.body);
      void turns.take(asked.job, () => work(request, asked));
    },
  };
}

async function answerTo(
  request: Request,
  asked: Asked,
  options: ExecuteOptions,
  noteFailure: (error: unknown) => unknown,
): Promise<RequestAnswer | undefined> {
  try {
    const verb = VERBS.find(({ name }) => name === asked.verb);
    if (!verb) throw unknownVerb(asked.verb);
    const { executed, exitCode } = await verb.execute(asked, { ...options, requestId: request.id });
    return { answer: JSON.stringify({ executed }), exitCode };
  } catch (raw) {
    if (options.signal.aborted) return undefined;
    const error = noteFailure(raw);
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof TransferError ? error.hint : undefined;
    return { answer: JSON.stringify({ error: { code: codeOf(error), message, hint } }), exitCode: 4 };
  }
}

/** A command that was upgraded while the old daemon still runs. */
function unknownVerb(verb: string): TransferError {
  return new TransferError('DAEMON_TOO_OLD', `the daemon does not know "${verb}"`, {
    hint: 'it is of another version than this command: restart the daemon, then run the command again',
  });
}

export function codeOf(error: unknown): string {
  return error instanceof TransferError ? error.code : 'INTERNAL';
}
