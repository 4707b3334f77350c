import type { Mutant } from './mutant.ts';

/** The claims are written in a transaction that ends a moment later; savepoints make the product work on all the same. */
export const mutant: Mutant = {
  title: 'requests leave before their claims are committed',
  edits: [
    {
      file: 'src/ledger/deliveries.ts',
      text: '    commit: (records, settled, claims, now) => commit.immediate(records, settled, claims, now),',
      replacement: `    commit: (records, settled, claims, now) => {
      if (db.inTransaction) db.exec('COMMIT');
      db.exec('BEGIN IMMEDIATE');
      setTimeout(() => {
        if (db.open && db.inTransaction) db.exec('COMMIT');
      }, 40);
      return commit.immediate(records, settled, claims, now);
    },`,
    },
  ],
  foundBy: { scenario: 'few-rows' },
};
