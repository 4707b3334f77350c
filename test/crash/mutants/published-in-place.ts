import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'results are written under their own name',
  edits: [
    {
      file: 'src/remotes/publish.ts',
      text: '  const temporary = temporaryOf(path, local.sha256);',
      replacement: `  if (!replace) return publishDirectly(shelf, path, local);
  const temporary = temporaryOf(path, local.sha256);`,
    },
  ],
  foundBy: { check: 'whole-results' },
};
