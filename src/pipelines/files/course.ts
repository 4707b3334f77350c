import type { FileAccount } from '../../model.ts';
import type { ResultsLine } from '../../reports/results-reader.ts';
import type { FilePass, RunContext } from './context.ts';
import type { Fate } from './fates.ts';
import type { IndexBlock } from './row-index.ts';
import type { Seal } from './seal.ts';

/** Says of the rows of a file that passed the check what became of them; `begin` comes before those of each block. */
export interface CourseFates {
  begin(block: IndexBlock): void;
  of(block: IndexBlock, i: number): Fate;
  /** How many of them are delivered, as the ledger counts them. */
  done(): number;
  /** What does not add up elsewhere, with both numbers. */
  imbalance?: string;
  /** More of the file's account. */
  account?: Pick<FileAccount, 'segments'>;
}

/**
 * How far the rows of a file came. `halted`: the destination cannot be used. `unchanged`: they wait, as was said before. `waitsFor`: what is open
 * waits for a file that a person has to decide about.
 */
export interface Delivered {
  halted?: { code: string; reason: string };
  unchanged?: boolean;
  waitsFor?: NonNullable<FileAccount['waitsFor']>;
}

/** How the rows of a file leave where they are no deliveries of their own. */
export interface RowCourse {
  /** Takes a sealed file as far as it goes in this run. It may hold the file as a whole. */
  deliver(ctx: RunContext, pass: FilePass, seal: Seal): Promise<Delivered>;
  /**
   * After a restore of the ledger, instead of sending: finds out what became of a file in the time that it knows nothing of. `lines`: those of its newest
   * published results, one for each row in the order of the index; absent where there are none. Can be repeated.
   */
  recover(
    ctx: RunContext,
    pass: FilePass,
    seal: Seal,
    lines: AsyncGenerator<ResultsLine | undefined> | undefined,
  ): Promise<void>;
  fates(ctx: RunContext, pass: FilePass, seal: Seal): CourseFates;
}
