import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a key is the id alone, whatever the event',
  edits: [
    {
      file: 'src/ledger/registry.ts',
      text: `  db.prepare('INSERT INTO event_names (destination_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING').run(`,
      replacement: `  const any = db.prepare<[], { id: number }>('SELECT id FROM event_names ORDER BY id LIMIT 1').get();
  if (any) return any.id;
  db.prepare('INSERT INTO event_names (destination_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING').run(`,
    },
  ],
  foundBy: { check: 'life-cycle' },
};
