import { namedTargets } from '../jobs/named-targets.ts';
import type { Job } from '../jobs/schema.ts';
import { openExpectations } from '../ledger/expectations.ts';
import { heldExports } from '../ledger/exports.ts';
import {
  expiringFiles,
  type FileFacts,
  fileFacts,
  newestGoodFile,
  newestRuns,
  newestTellingRun,
  type RunFacts,
  runsAfter,
  waitingFiles,
} from '../ledger/matters.ts';
import type { Matter, OpenNotice } from '../ledger/notices.ts';
import type { Ledger } from '../ledger/open.ts';
import { stuckTargets } from '../ledger/target-states.ts';
import type { NoticeKind } from '../notices/kinds.ts';
import { PASSING } from '../reports/after-rows.ts';
import { dayOf } from '../reports/roll-up.ts';

/** A matter of a kind that people can be told of. */
export interface KnownMatter extends Matter {
  kind: NoticeKind;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** So many days before held rows expire, somebody is told. */
const EXPIRY_DAYS = 3;
/** Runs looked at in one look; the next look goes on. */
const MOST_RUNS = 200;

/** Halts that are this machine's doing. */
const OF_MACHINE = /^(?:STAGING_|STAGED_|LOCAL_|LEDGER_|INTERNAL)/;

/** What no waiting heals: told the first time. */
const REFUSED = /^(?:SFTP_AUTH|HOSTKEY_|PRIVATE_KEY_)/;

/** Where the last look got to. */
export interface Looked {
  /** Milliseconds since 1970. */
  at: number;
  /** The newest run that was looked at. */
  run: number;
}

/** Everything about a job that people may be told of: what holds now, and what came and went since the last look. */
export function findMatters(
  ledger: Pick<Ledger, 'db'>,
  job: Job,
  open: readonly OpenNotice[],
  looked: Looked,
  now: number,
): { matters: KnownMatter[]; looked: Looked } {
  const fresh = runsAfter(ledger, job.id, looked.run, MOST_RUNS);
  const matters = [
    ...ofFiles(ledger, job, open, looked.at),
    ...ofRuns(fresh),
    ...ofHalts(ledger, job),
    ...ofWaiting(ledger, job, now),
    ...ofExpiry(ledger, job, now),
    ...ofExpectations(ledger, job),
    ...ofTargets(ledger, job, now),
  ];
  return { matters, looked: { at: now, run: fresh.at(-1)?.id ?? looked.run } };
}

function ofFiles(ledger: Pick<Ledger, 'db'>, job: Job, open: readonly OpenNotice[], since: number): KnownMatter[] {
  const ids = open.flatMap(({ subject }) => (/^p\d+$/.test(subject) ? [Number(subject.slice(1))] : []));
  const good = newestGoodFile(ledger, job.id, job.watch.rejects);
  return fileFacts(ledger, job.id, since, ids).flatMap((file) => {
    const of = (kind: NoticeKind, holds: boolean, detail: Matter['detail']): KnownMatter => {
      const subject = `p${file.id}`;
      return { kind, subject, holds, once: true, ends: true, detail: { file: subject, ...detail } };
    };
    const code = file.code ?? '';
    const told: KnownMatter[] = [];
    const isOpen = (kind: NoticeKind): boolean =>
      open.some((each) => each.kind === kind && each.subject === `p${file.id}`);
    if (file.verdict === 'refused') told.push(of('file-refused', !file.replaced, { code }));
    if (file.verdict === 'held' || isOpen('file-held'))
      told.push(of('file-held', file.verdict === 'held' && !file.passedAgain, { code, rows: file.read }));
    if (!file.balanced || isOpen('imbalance')) told.push(of('imbalance', !file.balanced, {}));
    const rejected = rejectedAsWritten(file);
    if (file.verdict === null && rejected > file.read * job.watch.rejects) {
      const percent = Math.floor((rejected / file.read) * 100);
      told.push(of('rejects', file.id > good, { percent, rejected, read: file.read }));
    }
    return told;
  });
}

/** What a person rejected, or time did, says nothing about the file. */
function rejectedAsWritten({ reasons }: FileFacts): number {
  return reasons.reduce(
    (sum, { outcome, code, count }) =>
      outcome === 'rejected' && code !== 'EXPIRED' && code !== 'OPERATOR_REJECTED' ? sum + count : sum,
    0,
  );
}

/** What a run came to is told once, and needs no end. */
function ofRuns(runs: readonly RunFacts[]): KnownMatter[] {
  return runs.flatMap((run): KnownMatter[] => {
    const subject = `r${run.id}`;
    const once = { subject, holds: false, once: true, ends: false };
    if (!run.balanced) return [{ kind: 'imbalance', ...once, detail: { run: subject } }];
    if (run.files === 0 || run.halted !== null || run.attention > 0) return [];
    const { files, read, delivered } = run;
    return [{ kind: 'success', ...once, detail: { run: subject, files, read, delivered } }];
  });
}

/** Who stopped a run, where somebody did. */
function stopperOf({ halted, haltedBy }: RunFacts): 'destination' | 'source' | 'machine' | undefined {
  if (halted === null) return undefined;
  if (haltedBy === 'destination') return 'destination';
  return OF_MACHINE.test(halted) ? 'machine' : 'source';
}

/** What the newest runs ran into. */
function ofHalts(ledger: Pick<Ledger, 'db'>, job: Job): KnownMatter[] {
  const { unreachable } = job.watch;
  const runs = newestRuns(ledger, job.id, unreachable);
  const [newest] = runs;
  if (newest === undefined) return [];
  const lasting = { holds: true, once: false, ends: true };
  const found: KnownMatter[] = [];
  const code = newest.halted ?? '';
  if (stopperOf(newest) === 'machine')
    found.push({ kind: 'run-stopped', subject: 'machine', detail: { code }, ...lasting });
  // A run that ended before it got to the destination says nothing about it.
  const asked = newestTellingRun(ledger, job.id)?.halted ?? null;
  if (asked !== null)
    found.push({ kind: 'destination-halted', subject: 'destination', detail: { code: asked }, ...lasting });
  const refused = stopperOf(newest) === 'source' && REFUSED.test(code);
  if (refused || (runs.length === unreachable && runs.every((run) => stopperOf(run) === 'source')))
    found.push({
      kind: 'source-unreachable',
      subject: 'source',
      detail: { code, ...(refused ? {} : { runs: unreachable }) },
      ...lasting,
    });
  return found;
}

function ofWaiting(ledger: Pick<Ledger, 'db'>, job: Job, now: number): KnownMatter[] {
  const hours = Math.round(job.watch.waiting / HOUR_MS);
  return waitingFiles(ledger, job.id, now - job.watch.waiting).map(({ id, open, failed, held }) => ({
    kind: 'waiting',
    subject: `p${id}`,
    detail: { file: `p${id}`, hours, open, failed, held },
    holds: true,
    once: false,
    ends: true,
  }));
}

function ofExpiry(ledger: Pick<Ledger, 'db'>, job: Job, now: number): KnownMatter[] {
  const { maxAge } = job.held;
  if (maxAge <= EXPIRY_DAYS * DAY_MS) return [];
  return expiringFiles(ledger, job.id, now - maxAge + EXPIRY_DAYS * DAY_MS).map(({ id, rows, heldSince }) => ({
    kind: 'expiring',
    subject: `p${id}`,
    detail: { file: `p${id}`, rows, on: dayOf(new Date(heldSince + maxAge).toISOString(), job.timezone) },
    holds: true,
    once: false,
    ends: true,
  }));
}

/** Exports that wait for a person, and targets that the newest run could not bring on. */
function ofTargets(ledger: Pick<Ledger, 'db'>, job: Job, now: number): KnownMatter[] {
  const held = heldExports(ledger, job.id).map(
    ({ id, target, code, rows }): KnownMatter => ({
      ...{ kind: 'export-held', subject: `e${id}`, holds: true, once: false, ends: true },
      detail: { target, code, rows },
    }),
  );
  // What passes by itself is told where it did not, for as long as a file may wait.
  const stuck = stuckTargets(ledger, job.id, namedTargets(job)).filter(
    ({ code, since = now }) => !PASSING.has(code) || now - since > job.watch.waiting,
  );
  const stopped = stuck.map(
    ({ kind: what, target, code }): KnownMatter => ({
      ...{ kind: 'target-stopped', subject: `${what} ${target}`, holds: true, once: false, ends: true },
      detail: { what, target, code },
    }),
  );
  return [...held, ...stopped];
}

const OF_STATE = {
  late: 'file-late',
  missing: 'file-missing',
  early: 'file-early',
  'too-small': 'file-too-small',
  'too-large': 'file-too-large',
  'sequence-gap': 'sequence-gap',
} as const;

function ofExpectations(ledger: Pick<Ledger, 'db'>, job: Job): KnownMatter[] {
  return openExpectations(ledger, job.id).map(({ day, state, subject, detail }) => ({
    kind: OF_STATE[state],
    subject: subject === '' ? day : `${day} ${subject}`,
    detail: { day, ...(subject === '' || state === 'sequence-gap' ? {} : { file: `p${subject}` }), ...detail },
    holds: true,
    once: false,
    ends: true,
  }));
}
