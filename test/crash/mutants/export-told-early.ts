import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'an export counts as published once it is planned',
  edits: [
    {
      file: 'src/pipelines/export-share-links/exports/run-export.ts',
      text: "...{ state: held ? 'held' : 'planned',",
      replacement: "...{ state: held ? 'held' : 'published',",
    },
  ],
  foundBy: { scenario: 'share-links' },
};
