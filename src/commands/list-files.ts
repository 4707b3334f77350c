import { type ListedFile, listFiles } from '../ledger/known-files.ts';
import { openLedgerForReading } from '../ledger/open.ts';
import { EXIT } from '../model.ts';
import { emptyCounts } from '../reports/tally.ts';
import { usage } from './decide.ts';
import { momentOf } from './moment.ts';
import { isoOrNull, sayJson } from './print.ts';
import { printFiles } from './print-files.ts';
import { openWorld } from './shared.ts';

const STATES = ['open', 'processed', 'held', 'refused', 'repeat'];

/** A file as it is listed. Times are ISO 8601. */
export interface FileLine {
  file: string;
  job: string;
  name: string;
  sha256: string;
  state: string;
  takenAt: string | null;
  code: string | null;
  repeatOf: string | null;
  counts: ReturnType<typeof emptyCounts>;
  resultsPath: string | null;
  archivedAs: string | null;
}

export interface FilesOptions {
  jobs?: string;
  state?: string;
  all?: boolean;
  only?: string;
  since?: string;
  json?: boolean;
}

/** Lists files, and gives the exit code. */
export async function listKnown(job: string | undefined, options: FilesOptions): Promise<number> {
  if (job === undefined && !options.all) throw usage('of which job?', 'referry files JOB, or referry files --all');
  const { settings, io } = openWorld(options);
  const { only } = options;
  if (only !== undefined && !STATES.includes(only))
    throw usage(`--only: found "${only}"`, `allowed are ${STATES.join(', ')}`);
  const ledger = await openLedgerForReading(settings.ledger);
  try {
    const since = options.since === undefined ? {} : { since: momentOf(options.since, io.now()) };
    const found = ledger ? listFiles(ledger, { ...since, ...(job === undefined ? {} : { job }) }) : [];
    const lines = found.map(lineOf).filter(({ state }) => only === undefined || state === only);
    if (options.json) sayJson({ files: lines });
    else printFiles(lines);
    return EXIT.ok;
  } finally {
    await ledger?.close();
  }
}

function lineOf(file: ListedFile): FileLine {
  const read = file.read ?? 0;
  return {
    file: `p${file.processing}`,
    job: file.job,
    name: file.name,
    sha256: file.sha256,
    state: stateOf(file),
    takenAt: isoOrNull(file.openedAt),
    code: file.refusal === null || file.refusal.verdict === 'released' ? null : file.refusal.code,
    repeatOf: file.repeatOf === null ? null : `p${file.repeatOf}`,
    counts: file.account?.counts ?? { ...emptyCounts(), read, open: read },
    resultsPath: file.resultsPath,
    archivedAs: file.archivedAs === '' ? null : file.archivedAs,
  };
}

function stateOf({ state, account, repeatOf }: ListedFile): string {
  if (state !== 'closed') return 'open';
  return repeatOf === null ? (account?.state ?? 'processed') : 'repeat';
}
