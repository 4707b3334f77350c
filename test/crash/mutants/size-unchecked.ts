import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'what was uploaded is not looked at',
  edits: [
    {
      file: 'src/remotes/upload.ts',
      text: '  if (attrs?.size !== local.size) throw wrongSize(temporary, attrs?.size ?? 0, local.size);',
      replacement: '  if (attrs === undefined) throw wrongSize(temporary, 0, local.size);',
    },
  ],
  foundBy: { check: 'whole-results' },
};
