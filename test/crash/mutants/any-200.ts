import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'any answer 200 is a yes',
  edits: [
    {
      file: 'src/destinations/extole/classify.ts',
      text: `  if (!object) return unreadable('is not a JSON object');`,
      replacement: `  if (!object) return { kind: 'accepted', proof: { kind: 'event_id', eventId: '0' }, http: 200 };`,
    },
    {
      file: 'src/destinations/extole/classify.ts',
      text: `  if (eventId === undefined) return unreadable('names no event');`,
      replacement: `  if (eventId === undefined) return { kind: 'accepted', proof: { kind: 'event_id', eventId: '0' }, http: 200 };`,
    },
  ],
  foundBy: { scenario: 'few-rows' },
};
