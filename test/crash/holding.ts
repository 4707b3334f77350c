import { type Facts, isThrough, type RowFact } from './facts.ts';
import type { Story } from './scenario.ts';

export const heldRows = ({ ledger }: Facts): RowFact[] => ledger?.rows.filter(({ state }) => state === 'held') ?? [];

/** A person releases rows so often before the harness says that it does not end. */
const ROUNDS = 6;

/**
 * A person looks the held rows up and releases them, until none is left. `by`: through a daemon, or alone. What was decided and
 * not yet done when a process died is done by the next run.
 */
export async function releaseAll(story: Story, by: 'live' | 'ask', kills = 3): Promise<void> {
  for (let round = 1; heldRows(story.last()).length > 0; round++) {
    if (round > ROUNDS) throw new Error(`rows are still held after they were released ${ROUNDS} times`);
    const peace = round > 2;
    await story[by](['release', 'feed', '--reason', 'looked up at Extole', '--json'], {
      kills: peace ? 0 : kills,
      until: () => true,
      before: () => story.released(heldRows(story.last()).map(({ key }) => key)),
    });
    await story.live(['run', 'feed', '--json'], { kills: peace ? 0 : kills, until: isThrough });
  }
}
