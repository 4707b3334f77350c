import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a link is made without a look at those that the person has',
  edits: [
    {
      file: 'src/destinations/extole/links/get-or-create.ts',
      text: '  if (!found.fresh) {',
      replacement: '  if (!found.fresh && key === undefined) {',
    },
  ],
  foundBy: { scenario: 'share-links' },
};
