import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';

/** What a report of links held, in numbers. Its rows are the sum of the others. */
export interface LinkReportCounts {
  rows: number;
  /** Links that were not known before, and those that were. */
  fresh: number;
  known: number;
  /** The ledger knows another link of the person, which stands. */
  other: number;
  otherLabel: number;
  withoutCode: number;
  /** The report has only a code, and nothing says what a link is made of. */
  withoutLink: number;
  withoutPerson: number;
}

/** asked: it is waited for, or may have been asked for when the process died; read: its links are in the ledger; failed: it came to nothing. */
export interface LinkReport {
  id: number;
  name: string;
  /** Extole's id; empty: not known yet. */
  reportId: string;
  state: 'asked' | 'read' | 'failed';
  /** Milliseconds since 1970. */
  askedAt: number;
  counts: LinkReportCounts | undefined;
}

/** So many numbers of reports are remembered, over all jobs. */
const KEPT = 1000;

interface Row {
  id: number;
  name: string;
  report_id: string | null;
  state: LinkReport['state'];
  asked_at: number;
  counts: string | null;
}

const reportOf = ({ id, name, report_id, state, asked_at, counts }: Row): LinkReport => ({
  id,
  name,
  reportId: report_id ?? '',
  state,
  askedAt: asked_at,
  counts: counts === null ? undefined : JSON.parse(counts),
});

/** Whose links are looked for: what a report is read for. Capital letters of a label do not matter. */
interface LookedFor {
  job: string;
  label: string;
}

/** As the ledger has it: a report that was read for one label says nothing of another. */
const ownerOf = ({ job, label }: LookedFor): string => `${job}/${label.toLowerCase()}`;

/** The reports that a job asked for because of a label, newest first; at most `limit`. */
export function linkReportsOf({ db }: Pick<Ledger, 'db'>, whose: LookedFor, limit: number): LinkReport[] {
  return db
    .prepare<[string, number], Row>('SELECT * FROM link_reports WHERE job = ? ORDER BY id DESC LIMIT ?')
    .all(ownerOf(whose), limit)
    .map(reportOf);
}

/** Notes that a report is to be asked for, before it is: its name tells it from every other one. */
export function planLinkReport(
  ledger: Ledger,
  whose: LookedFor,
  nameFor: (id: number) => string,
  now: number,
): LinkReport {
  const { db } = ledger;
  const owner = ownerOf(whose);
  return db
    .transaction(() => {
      mustHold(ledger);
      const last = db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM link_reports').get();
      const id = (last?.id ?? 0) + 1;
      const name = nameFor(id);
      db.prepare("INSERT INTO link_reports (id, job, name, state, asked_at) VALUES (?, ?, ?, 'asked', ?)").run(
        id,
        owner,
        name,
        now,
      );
      // Nobody asks for older ones.
      db.prepare('DELETE FROM link_reports WHERE job = ? AND id <= ?').run(owner, id - KEPT);
      return { id, name, reportId: '', state: 'asked' as const, askedAt: now, counts: undefined };
    })
    .immediate();
}

export function nameLinkReport(ledger: Ledger, id: number, reportId: string): void {
  mustHold(ledger);
  ledger.db.prepare('UPDATE link_reports SET report_id = ? WHERE id = ?').run(reportId, id);
}

export function endLinkReport(
  ledger: Ledger,
  id: number,
  end: { state: 'read'; counts: LinkReportCounts } | { state: 'failed' },
  now: number,
): void {
  mustHold(ledger);
  ledger.db
    .prepare('UPDATE link_reports SET state = ?, counts = ?, ended_at = ? WHERE id = ?')
    .run(end.state, end.state === 'read' ? JSON.stringify(end.counts) : null, now, id);
}
