import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'what was on its way when the process died counts as delivered',
  edits: [
    {
      file: 'src/ledger/sweep.ts',
      text: `SET state = 'unknown', unfinished = 1, ambiguous = ambiguous + 1, code = 'INTERRUPTED', answered_at = ?, reason = ?`,
      replacement: `SET state = 'delivered', proof = 'event_id', event_id = '7465310000000000000', code = NULL, answered_at = ?, reason = nullif(?, reason)`,
    },
  ],
  foundBy: { scenario: 'few-rows' },
};
