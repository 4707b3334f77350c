import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a process that was taken over goes on',
  edits: [
    {
      file: 'src/ledger/deliveries.ts',
      text: `      if (epoch.get()?.epoch !== ledger.epoch) throw new Error('another process took the ledger over');
`,
      replacement: '',
    },
  ],
  foundBy: { check: 'taken-over' },
};
