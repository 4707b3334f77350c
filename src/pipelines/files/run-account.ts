import type { ExportAccount, PushAccount } from '../../accounts.ts';
import type { Job } from '../../jobs/schema.ts';
import type { Processing } from '../../ledger/processings.ts';
import type { Counts, DestinationIdentity, FileAccount, Notice, RunAccount } from '../../model.ts';
import { balanceOf } from '../../reports/balance.ts';
import { emptyCounts } from '../../reports/tally.ts';

/** Adds a run up, file by file. */
export function createRunAccount(
  run: number,
  job: Pick<Job, 'id' | 'timezone'>,
  destination: DestinationIdentity,
  startedAt: number,
): {
  notices: Notice[];
  /** No further file is begun. */
  readonly halted: boolean;
  /** Something was done with a file: what an earlier run did, or what waits as before, is none. */
  readonly begun: boolean;
  /** Processings that were added. */
  readonly told: readonly number[];
  /** Of a file that an earlier run has told of, only what was left open or failed then, or has changed, counts again. */
  add(file: FileAccount, processing: Pick<Processing, 'id' | 'told'>): void;
  /** The same of a file that an earlier run brought this far, and did not tell of. */
  addUntold(file: FileAccount, processing: Pick<Processing, 'id' | 'told'>): void;
  /** A file that could not be brought further in this run and has no rows yet, or none that moved. */
  leaveOpen(file: FileAccount, how?: 'tried'): void;
  /** A file that waits for the destination's answer as it did before. */
  wait(file: FileAccount): void;
  /** What came of a target after the rows. `news`: it was not told before. */
  addExport(account: ExportAccount, news: boolean): void;
  addPush(account: PushAccount, news: boolean): void;
  /** Whether there is anything to tell that was not told before. */
  readonly news: boolean;
  halt(why: NonNullable<RunAccount['halted']>): void;
  /** The run makes room; the next one goes on. */
  pause(): void;
  finish(now: number): RunAccount;
} {
  const files: FileAccount[] = [];
  const notices: Notice[] = [];
  const told: number[] = [];
  const counts = emptyCounts();
  let carriedIn = 0;
  const exports: ExportAccount[] = [];
  const pushes: PushAccount[] = [];
  let quiet = 0;
  let after = false;
  let halted: RunAccount['halted'];
  let goesOn = false;
  let begun = false;

  const count = (file: FileAccount, { id, told: before }: Pick<Processing, 'id' | 'told'>): void => {
    files.push(file);
    told.push(id);
    if (!before) {
      for (const name of NAMES) counts[name] += file.counts[name];
      return;
    }
    for (const name of NAMES) {
      if (name === 'read') continue;
      const was = before.counts[name];
      const is = file.counts[name];
      // Open and failed rows are taken up by each run; of the others, those that moved on.
      const carried = name === 'open' || name === 'failed' ? was : Math.max(0, was - is);
      carriedIn += carried;
      counts[name] += is - (was - carried);
    }
  };

  return {
    notices,
    get halted() {
      return halted !== undefined || goesOn;
    },
    get begun() {
      return begun;
    },
    told,
    add: (file, processing) => {
      begun = true;
      count(file, processing);
    },
    addUntold: count,
    leaveOpen: (file, how) => {
      begun ||= how === 'tried';
      files.push(file);
    },
    wait: (file) => {
      files.push(file);
      quiet++;
    },
    addExport: (account, news) => {
      exports.push(account);
      after ||= news;
    },
    addPush: (account, news) => {
      pushes.push(account);
      after ||= news;
    },
    get news() {
      return after || files.length > quiet;
    },
    halt: (why) => {
      halted ??= why;
    },
    pause: () => {
      if (goesOn) return;
      goesOn = true;
      const message =
        'the run made room for other work; the daemon goes on with the people who are left within a minute';
      notices.push({ code: 'GOES_ON', message });
    },
    finish: (now) => {
      const seen = { files: files.length, processed: 0, held: 0, refused: 0, open: 0 };
      for (const file of files) seen[file.state]++;
      const balanced =
        [...files, ...exports, ...pushes].every((each) => each.balanced) && balanceOf(counts, carriedIn).balanced;
      return {
        run: `r${run}`,
        job: job.id,
        timezone: job.timezone,
        destination,
        startedAt: new Date(startedAt).toISOString(),
        endedAt: new Date(now).toISOString(),
        carriedIn,
        files: [...files],
        seen,
        counts: { ...counts },
        balanced,
        ...(halted ? { halted } : {}),
        ...(goesOn && !halted ? { goesOn } : {}),
        ...(exports.length > 0 ? { exports: [...exports] } : {}),
        ...(pushes.length > 0 ? { pushes: [...pushes] } : {}),
        notices: [...notices],
      };
    },
  };
}

const NAMES: readonly (keyof Counts)[] = [
  'read',
  'delivered',
  'duplicate',
  'conflict',
  'rejected',
  'failed',
  'held',
  'open',
];
