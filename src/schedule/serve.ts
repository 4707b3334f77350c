import { answerRequest, type Request, takeRequest } from '../ledger/requests.ts';
import { TransferError } from '../model.ts';
import type { Turns } from './turns.ts';
import type { Asked, ExecuteOptions } from './verb.ts';
import { VERBS } from './verbs/registry.ts';

/**
 * Takes the oldest request that a command left, executes it when its turn comes, and answers. One that is cut short by the
 * signal gets no answer: it is given to the next daemon, unless the command gives up before. `ended`: called after it.
 */
export function serve(options: ExecuteOptions, turns: Turns, ended: () => void): void {
  const { ledger, io, signal } = options;
  const request = takeRequest(ledger, io.now());
  if (!request) return;
  const asked: Asked = JSON.parse(request.body);
  const work = async (): Promise<void> => {
    const answer = await answerTo(request, asked, options);
    if (answer) answerRequest(ledger, request.id, answer, io.now());
    ended();
  };
  turns.take(asked.job, work).catch((error: unknown) => {
    if (!signal.aborted) io.log.error({ request: request.id, code: 'INTERNAL' }, String(error));
  });
}

async function answerTo(
  request: Request,
  asked: Asked,
  options: ExecuteOptions,
): Promise<{ answer: string; exitCode: number } | undefined> {
  try {
    const verb = VERBS.find(({ name }) => name === asked.verb);
    if (!verb) throw unknownVerb(asked.verb);
    const { executed, exitCode } = await verb.execute(asked, { ...options, requestId: request.id });
    return { answer: JSON.stringify({ executed }), exitCode };
  } catch (error) {
    if (options.signal.aborted) return undefined;
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
