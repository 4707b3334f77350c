import { type FileAccount, TransferError } from '../model.ts';
import type { Ledger } from './open.ts';
import type { FileVerdict, ProcessingState } from './processings.ts';

/** A file that a job has taken up, as far as a person asks. Times are milliseconds since 1970. */
export interface ListedFile {
  processing: number;
  job: string;
  name: string;
  sha256: string;
  state: ProcessingState;
  refusal: FileVerdict | null;
  /** The same contents came before, as this processing: nothing of this one was sent. */
  repeatOf: number | null;
  /** A later pass has judged the same contents anew. */
  superseded: boolean;
  read: number | null;
  account: FileAccount | null;
  openedAt: number;
  sealedAt: number | null;
  /** When the staged copy was removed. */
  prunedAt: number | null;
  resultsPath: string | null;
  archivedAs: string | null;
  destinationId: number;
}

interface Row extends Omit<ListedFile, 'refusal' | 'account' | 'superseded'> {
  refusal: string | null;
  account: string | null;
  superseded: number;
}

/**
 * Of a later processing of the same contents: it says what the earlier one `p` said. Members of the same ids may come once more, for another
 * segment, or to go: there only a pass that a person asked for does. Part of a condition in SQL.
 */
export const JUDGED_ANEW = (later: string): string => `(p.lane IS NOT 'members' OR ${later}.reprocess_of = p.id)`;

/** Files of a job, or of all, oldest first. `since`: taken up since then; `held`: only those held as a whole. */
export function listFiles(
  ledger: Pick<Ledger, 'db'>,
  filter: { job?: string; processing?: number | undefined; since?: number; held?: boolean } = {},
): ListedFile[] {
  const { job = null, processing = null, since = 0, held = false } = filter;
  return ledger.db
    .prepare<[string | null, string | null, number | null, number | null, number], Row>(
      `SELECT p.id AS processing, p.job, p.name, coalesce(f.sha256, '') AS sha256, p.state, p.refusal, p.repeat_of AS repeatOf,
         p.read, p.account, p.opened_at AS openedAt, p.sealed_at AS sealedAt, p.pruned_at AS prunedAt,
         p.results_path AS resultsPath, p.archived_as AS archivedAs, p.destination_id AS destinationId,
         EXISTS (SELECT 1 FROM processings later WHERE later.file_id = p.file_id AND later.id > p.id
           AND later.repeat_of IS NULL AND later.state <> 'vanished' AND ${JUDGED_ANEW('later')}) AS superseded
       FROM processings p LEFT JOIN files f ON f.id = p.file_id
       WHERE (p.job = ? OR ? IS NULL) AND (p.id = ? OR ? IS NULL) AND p.opened_at >= ? AND p.state <> 'vanished'
         ${held ? `AND json_extract(p.refusal, '$.verdict') = 'held'` : ''} ORDER BY p.id`,
    )
    .all(job, job, processing, processing, since)
    .map((row) => ({
      ...row,
      superseded: row.superseded === 1,
      refusal: row.refusal === null ? null : JSON.parse(row.refusal),
      account: row.account === null ? null : JSON.parse(row.account),
    }));
}

/**
 * The one file that a person means: `p12`, a name, or the beginning of a SHA-256. Of several passes over the same contents, the
 * newest that judged them. Throws `USAGE` with the list where it is not clear.
 */
export function findFile(ledger: Pick<Ledger, 'db'>, said: string, job?: string): ListedFile {
  const all = listFiles(ledger, job === undefined ? {} : { job });
  const byId = new Map(all.map((file) => [file.processing, file]));
  const root = (file: ListedFile): ListedFile => (file.repeatOf === null ? undefined : byId.get(file.repeatOf)) ?? file;
  const exact = /^p\d+$/.test(said) ? byId.get(Number(said.slice(1))) : undefined;
  if (exact) return root(exact);
  const isHash = /^[0-9a-f]{6,64}$/.test(said);
  const meant = all.filter(({ name, sha256 }) => name === said || (isHash && sha256.startsWith(said)));
  const roots = [...new Map(meant.map(root).map((file) => [file.processing, file])).values()];
  const isSaidAgain = ({ processing, sha256, name, refusal }: ListedFile): boolean =>
    refusal?.verdict !== 'held' &&
    roots.some((other) => other.processing > processing && other.sha256 === sha256 && other.name === name);
  const newest = roots.filter((file) => !file.superseded && !isSaidAgain(file));
  const [first, ...others] = newest.length > 0 ? newest : roots;
  const where = job === undefined ? '' : ` of job ${job}`;
  if (!first)
    throw new TransferError('USAGE', `no file${where} is known as "${said}"`, {
      hint: `referry files ${job ?? '--all'} lists them; say its name, its number such as p12, or the beginning of its SHA-256`,
    });
  if (others.length === 0) return first;
  const list = [first, ...others].map(
    (file) => `p${file.processing}  ${iso(file.openedAt)}  ${file.sha256.slice(0, 8)}  job ${file.job}  ${file.name}`,
  );
  throw new TransferError('USAGE', `"${said}" may be one of ${list.length} files:\n  ${list.join('\n  ')}`, {
    hint: 'say which by its number, the first column',
  });
}

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
