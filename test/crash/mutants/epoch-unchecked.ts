import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a process that was taken over goes on',
  edits: [
    {
      file: 'src/ledger/fence.ts',
      text: 'now.get()?.epoch === epoch',
      replacement: 'now.get() !== undefined && epoch > 0',
    },
  ],
  foundBy: { check: 'taken-over' },
};
