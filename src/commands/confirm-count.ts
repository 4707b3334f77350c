import { createInterface } from 'node:readline/promises';
import { TransferError } from '../model.ts';
import type { Wording } from './print-decision.ts';

/**
 * Makes sure that the number of rows is the one the person has in mind: `--expect` must be it; where there are many, it must be
 * typed. Throws `USAGE`.
 */
export async function confirmCount(
  rows: number,
  expect: string | undefined,
  many: boolean,
  { would }: Wording,
): Promise<void> {
  if (expect !== undefined) {
    if (expect.replaceAll(',', '') === String(rows)) return;
    throw new TransferError('USAGE', `--expect says ${expect}, but ${rows} ${would}; nothing was done`, {
      hint: 'look at them with --dry-run; if that is what you want, give --expect with that number',
    });
  }
  if (!many) return;
  if (!process.stdin.isTTY)
    throw new TransferError('USAGE', `${rows} ${would}, and nobody is there to be asked; nothing was done`, {
      hint: `look at them with --dry-run, then say so: --expect ${rows}`,
    });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${rows} ${would}. Type that number to go on: `);
    if (answer.trim().replaceAll(',', '') === String(rows)) return;
    throw new TransferError('USAGE', 'the number was not typed; nothing was done', { hint: 'give the command again' });
  } finally {
    terminal.close();
  }
}
