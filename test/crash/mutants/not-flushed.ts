import type { Mutant } from './mutant.ts';

/** The product looks at the setting itself; that is taken away, too. */
export const mutant: Mutant = {
  title: 'commits of the ledger are not flushed to the disk',
  edits: [
    {
      file: 'src/ledger/open.ts',
      text: `    db.pragma('synchronous = FULL');
    const epoch`,
      replacement: `    db.pragma('synchronous = NORMAL');
    const epoch`,
    },
    {
      file: 'src/ledger/open.ts',
      text: `  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');`,
      replacement: `  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');`,
    },
    {
      file: 'src/ledger/open.ts',
      text: '  if (level === 2) return;',
      replacement: '  if (level === 1) return;',
    },
  ],
  foundBy: { check: 'durable-claims' },
};
