import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a gzip file that breaks off ends there, as if it were whole',
  edits: [
    {
      file: 'src/parsing/gunzip.ts',
      text: '    throw asRefusal(error, produced);',
      replacement: `    const refusal = asRefusal(error, produced);
    if (!(refusal instanceof FileRefused && refusal.code === 'GZIP_TRUNCATED')) throw refusal;`,
    },
  ],
  foundBy: { check: 'seal' },
};
