import type { Notice } from '../../model.ts';
import type { Carriers } from './by-file/carrier.ts';
import type { RowDestination, RunContext } from './context.ts';
import type { RowCourse } from './course.ts';
import type { createRunAccount } from './run-account.ts';

/** Who adds up what follows the rows. */
type AfterAccount = Pick<ReturnType<typeof createRunAccount>, 'notices' | 'addExport' | 'addPush'>;

/** A whole file on this machine. */
export interface GatheredFile {
  path: string;
  /** What it is called in reports. */
  name: string;
  /** Called once its contents are staged: from then on they count as taken. Repeating it is harmless. */
  taken(): Promise<void>;
}

/** What a pipeline adds to the way of a file. */
export interface Pipeline {
  /** How rows leave, where each is no delivery of its own. */
  course?: RowCourse;
  destination: RowDestination;
  /** How whole files go, where that is not as events do. */
  carriers?: Carriers;
  /** Before new files are taken: a file of rows that the run makes itself, to be taken as one that was given by hand. */
  gather?(ctx: RunContext): Promise<{ file?: GatheredFile; notices: readonly Notice[] }>;
  /** When a run that goes on for long makes room. */
  pause?: AbortSignal;
  /** Whether files are looked for in the inbox as well. */
  inbox: boolean;
  /** What is done once the rows have come as far as they do in this run. */
  afterRows?(ctx: RunContext, account: AfterAccount): Promise<void>;
}
