import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'what was on its way when the process died is forgotten',
  edits: [
    {
      file: 'src/ledger/sweep.ts',
      text: '  const range = [processingId * LINES, processingId * LINES + LINES - 1];',
      replacement: `  return;
  const range = [processingId * LINES, processingId * LINES + LINES - 1];`,
    },
  ],
  foundBy: { scenario: 'few-rows' },
};
