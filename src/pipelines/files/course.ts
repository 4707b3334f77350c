import type { FileAccount } from '../../model.ts';
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

/** How the rows of a file leave where they are no deliveries of their own. */
export interface RowCourse {
  /** Takes a sealed file as far as it goes in this run. It may hold the file as a whole. */
  deliver(ctx: RunContext, pass: FilePass, seal: Seal): Promise<{ halted?: { code: string; reason: string } }>;
  fates(ctx: RunContext, pass: FilePass, seal: Seal): CourseFates;
}
