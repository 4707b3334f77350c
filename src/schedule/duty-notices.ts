import type { Job } from '../jobs/schema.ts';
import { endingOf } from '../ledger/expectations.ts';
import { newestRunBefore } from '../ledger/matters.ts';
import {
  type Ending,
  forgetNotices,
  keepNotices,
  type OpenNotice,
  openNotices,
  type PlannedBody,
} from '../ledger/notices.ts';
import type { Ledger } from '../ledger/open.ts';
import { ledgerProblem } from '../ledger/problem.ts';
import { setWatchMark, watchMark } from '../ledger/watch.ts';
import { TransferError } from '../model.ts';
import { NOTICE_KINDS, type NoticeKind, wants } from '../notices/kinds.ts';
import { bodyOf } from '../notices/texts.ts';
import { allChannels, channelsOf } from './channels.ts';
import type { Duty } from './duties.ts';
import { findMatters } from './matters.ts';
import { sendNotices } from './send-notices.ts';
import { watchExpected } from './watch-expected.ts';

const DAY_MS = 86_400_000;

/** Looks at what the ledger knows, and tells people what needs them: once when it comes up, once when it is solved. */
export const noticesDuty: Duty = {
  name: 'notices',
  see: async ({ ledger, io, signal, jobs, crashPoint = () => {} }) => {
    for (const job of jobs) {
      signal.throwIfAborted();
      const now = io.now();
      try {
        watchExpected(ledger, job, now);
        noteMatters(ledger, job, now);
      } catch (error) {
        // A ledger that fails is nobody's job.
        if (ledgerProblem(error, ledger.path) !== error) throw error;
        // What cannot be looked at of one job must not keep the others from being told of.
        const code = error instanceof TransferError ? error.code : 'INTERNAL';
        io.log.error({ job: job.id, code }, `notices: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    forgetOld(ledger, io.now());
    await sendNotices({ ledger, io, signal, crashPoint }, allChannels(jobs));
  },
};

/** The morning report looks back so far at most; what needs nobody any more is not kept for longer. */
const KEPT_MS = 100 * DAY_MS;

function forgetOld(ledger: Ledger, now: number): void {
  if (now - (watchMark(ledger, '', 'forgotten') ?? 0) < DAY_MS) return;
  forgetNotices(ledger, now - KEPT_MS);
  setWatchMark(ledger, '', 'forgotten', now);
}

/** Makes the notices of a job agree with the ledger, and plans their messages. */
export function noteMatters(ledger: Ledger, job: Job, now: number): void {
  // The first look goes back a day, not through all of history.
  const at = watchMark(ledger, job.id, 'notices') ?? now - DAY_MS;
  const run = watchMark(ledger, job.id, 'notices-run') ?? newestRunBefore(ledger, job.id, at);
  // A clock that was set back would leave what happened meanwhile unseen.
  const since = Math.min(at, now) - OVERLAP_MS;
  const open = openNotices(ledger, job.id);
  const { matters, looked } = findMatters(ledger, job, open, { at: since, run }, now);
  const channels = channelsOf(job);
  const planned = (kind: NoticeKind, body: string, phase: PlannedBody['phase']): PlannedBody[] =>
    channels.filter(({ settings }) => wants(settings.events, kind)).map(({ key }) => ({ channel: key, phase, body }));
  keepNotices(
    ledger,
    job.id,
    matters,
    { notices: looked.at, 'notices-run': looked.run },
    {
      now,
      opened: ({ kind, detail }) => {
        const known = kindOf(kind);
        return planned(known, JSON.stringify(bodyOf('opened', { job: job.id, kind: known, detail }, now)), 'opened');
      },
      ended: ({ kind, detail }, ending) => {
        const known = kindOf(kind);
        const body = JSON.stringify(bodyOf('solved', { job: job.id, kind: known, detail }, now));
        // What is merely over is for those who keep a list of what is open.
        const told = channels.filter(({ settings }) => ending === 'solved' || settings.pagerduty || settings.webhook);
        return told.map(({ key }) => ({ channel: key, phase: 'solved', body }));
      },
      ending: (notice) => endingOfNotice(ledger, job.id, notice),
    },
  );
}

/** A file may be closed by a transaction that commits after the look that came later. */
const OVERLAP_MS = 10 * 60_000;

function kindOf(kind: string): NoticeKind {
  const known = NOTICE_KINDS.find((each) => each === kind);
  if (known === undefined)
    throw new Error(`the ledger has a notice of the kind ${kind}, which this version does not know`);
  return known;
}

const LASTING: ReadonlySet<string> = new Set([
  'destination-halted',
  'source-unreachable',
  'run-stopped',
  'waiting',
  'expiring',
]);
const STATE_OF: Readonly<Record<string, 'late' | 'missing' | 'early' | 'too-small' | 'too-large' | 'sequence-gap'>> = {
  'file-late': 'late',
  'file-missing': 'missing',
  'file-early': 'early',
  'file-too-small': 'too-small',
  'file-too-large': 'too-large',
  'sequence-gap': 'sequence-gap',
};

/** One that is not found any more: what lasted is solved; an expected file says itself how it ended; the rest is forgotten. */
function endingOfNotice(ledger: Ledger, job: string, { kind, subject }: OpenNotice): Ending {
  if (LASTING.has(kind)) return 'solved';
  const state = STATE_OF[kind];
  if (state === undefined) return 'over';
  const [day = '', about = ''] = subject.split(' ');
  return endingOf(ledger, { job, day, state, subject: about }) ?? 'over';
}
