import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'a profile counts as pushed before the tool has answered',
  edits: [
    {
      file: 'src/pipelines/export-share-links/push/send-changed.ts',
      text: '    const answers = await sender.send(',
      replacement: `    record(
      outgoing.map(({ linkId, hash, attempts }) => ({
        ...{ linkId, pushId: push.id, hash, attempts, at: io.now() },
        ...{ outcome: 'delivered' as const, code: '', reason: '', eventId: '' },
      })),
    );
    const answers = await sender.send(`,
    },
  ],
  foundBy: { scenario: 'share-links' },
};
