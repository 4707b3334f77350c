import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a process that was taken over goes on',
  edits: [
    {
      file: 'src/ledger/fence.ts',
      text: `  if (row?.epoch !== ledger.epoch) throw takenOver(ledger.path);
`,
      replacement: '',
    },
  ],
  foundBy: { check: 'taken-over' },
};
