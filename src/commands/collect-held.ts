import { join } from 'node:path';
import { parseStoredDefinition } from '../jobs/definition.ts';
import { heldExports, type KnownExport } from '../ledger/exports.ts';
import { type ListedFile, listFiles } from '../ledger/known-files.ts';
import type { Ledger } from '../ledger/open.ts';
import { getProcessing } from '../ledger/processings.ts';
import { getDefinition } from '../ledger/registry.ts';
import { type WaitingRows, waitingRows } from '../ledger/waiting.ts';
import { isMembers } from '../mapping/compile.ts';
import { keysOf, openConflicts } from '../pipelines/files/conflicts.ts';
import { unsaidConflicts } from '../pipelines/files/member-conflicts.ts';
import { isoOrNull } from './print.ts';

/** Something that waits for a person. Times are ISO 8601. */
export interface Waits {
  kind: 'file' | 'export' | 'rows' | 'failed-too-long' | 'conflict-in-file' | 'conflict-with-earlier';
  job: string;
  /** p12, or e12 of an export, as commands take it. */
  file: string;
  name: string;
  code: string;
  rows: number;
  since: string | null;
  /** Where to look: a line, or the lines of one key. */
  lines: number[];
  key: string | null;
  reason: string;
  /** What speaks for which way out, where something was said. */
  advice: string | null;
  /** Each is a way out. */
  commands: string[];
}

/** Examples of conflicts shown for each file. */
const MOST_CONFLICTS = 5;
/** Lines named of one key. */
const MOST_LINES = 5;
const WHY = '--reason "..."';

/** Everything that waits for a person, oldest file first. Only reads. */
export async function collectHeld(ledger: Ledger, state: string, job: string | undefined): Promise<Waits[]> {
  const files = listFiles(ledger, job === undefined ? {} : { job });
  const superseded = new Set(files.filter((file) => file.superseded).map((file) => file.processing));
  const waits: { processing: number; it: Waits }[] = [];
  for (const file of files) {
    if (file.state !== 'closed' || file.superseded || file.repeatOf !== null) continue;
    if (file.refusal?.verdict === 'held') waits.push({ processing: file.processing, it: heldFile(file, file.refusal) });
    else for (const it of await inFile(ledger, state, file)) waits.push({ processing: file.processing, it });
  }
  for (const rows of waitingRows(ledger, job)) {
    if (rows.kind === 'conflict' && superseded.has(rows.processing)) continue;
    waits.push({ processing: rows.processing, it: heldRows(rows) });
  }
  const exports = heldExports(ledger, job).map(heldExport);
  return [...waits.sort((a, b) => a.processing - b.processing).map(({ it }) => it), ...exports];
}

/** Of these it is the file that is in doubt, and not the job. */
const OF_THE_FILE = /^(SEGMENT_(?!HAS_MEMBERS)|TRAILER_|MANIFEST_)/;

function heldFile(file: ListedFile, why: { code: string; message: string; hint?: string }): Waits {
  const id = `p${file.processing}`;
  const again = `referry reprocess ${id} ${WHY}     # after the job was corrected`;
  const ends = [
    `referry release ${id} ${WHY}     # it is right as it is: send it`,
    `referry reject ${id} ${WHY}     # send none of it`,
  ];
  return {
    ...place(file),
    kind: 'file',
    code: why.code,
    rows: file.account?.counts.held ?? file.read ?? 0,
    since: isoOrNull(file.sealedAt),
    lines: [],
    key: null,
    reason: why.message,
    advice: why.hint ?? null,
    commands: OF_THE_FILE.test(why.code)
      ? [`referry release ${id} --dry-run     # what would change`, ...ends, again]
      : [again, ...ends],
  };
}

function heldExport({ id, job, target, code, reason, rows, madeAt }: KnownExport): Waits {
  return {
    ...{ kind: 'export', job, file: `e${id}`, name: `export ${target}`, code, rows, since: isoOrNull(madeAt) },
    ...{ lines: [], key: null, reason, advice: null },
    commands: [`referry release e${id} ${WHY}     # the links are rightly gone: export what there is`],
  };
}

function heldRows(rows: WaitingRows): Waits {
  const id = `p${rows.processing}`;
  const code = rows.code === '' ? '' : ` --code ${rows.code}`;
  const base = {
    ...place(rows),
    code: rows.code,
    rows: rows.rows,
    since: isoOrNull(rows.since),
    lines: [rows.line],
    key: rows.key,
    reason: rows.reason,
    advice: null,
  };
  if (rows.kind === 'conflict')
    return {
      ...base,
      kind: 'conflict-with-earlier',
      commands: [
        `referry explain ${quoted(rows.key)}     # which row has the key`,
        `referry reject ${id} --line ${rows.line} ${WHY}     # that row is right: end this one`,
      ],
    };
  return {
    ...base,
    kind: rows.kind === 'too-long' ? 'failed-too-long' : 'rows',
    commands: [
      `referry explain ${quoted(rows.key)}     # what is known of the first of them`,
      rows.code === 'AWAITS_UPLOAD'
        ? `referry confirm ${id} ${WHY}     # after the upload in My Extole`
        : `referry release ${id}${code} ${WHY}     # send them again`,
      ...(rows.code === 'UNKNOWN_DELIVERY'
        ? [`referry confirm ${id}${code} ${WHY}     # they were found at Extole`]
        : []),
      `referry reject ${id}${code} ${WHY}     # send none of them`,
    ],
  };
}

async function inFile(ledger: Ledger, state: string, file: ListedFile): Promise<Waits[]> {
  const told = file.account?.reasons.some(({ code }) => code === 'CONFLICT_IN_FILE') ?? false;
  if (!told || file.prunedAt !== null || (file.refusal && file.refusal.verdict !== 'released')) return [];
  const { definitionId } = getProcessing(ledger, file.processing);
  const definition = parseStoredDefinition(getDefinition(ledger, definitionId).body);
  const members = isMembers(definition.event);
  const staging = join(state, 'staging');
  const open = members
    ? unsaidConflicts(ledger, staging, file.processing)
    : openConflicts(ledger, staging, file.processing, MOST_CONFLICTS);
  const conflicts = open.conflicts.slice(0, MOST_CONFLICTS);
  const keys = await keysOf(staging, file, definition, conflicts);
  const more = conflicts.reduce((rest, { lines }) => rest - lines.length, open.rows);
  return conflicts.map(({ lines }, i): Waits => {
    const key = keys[i] ?? '';
    return {
      ...place(file),
      kind: 'conflict-in-file',
      code: 'CONFLICT_IN_FILE',
      // What the examples leave out counts with the last of them.
      rows: lines.length + (i === conflicts.length - 1 ? more : 0),
      since: isoOrNull(file.sealedAt),
      lines,
      key: key === '' ? null : key,
      reason: `lines ${listed(lines)} have the same key and different content; none was sent`,
      advice: null,
      commands: members
        ? [
            `referry explain ${key === '' ? '<id>' : quoted(key)}     # nothing to decide here: a later file says which of them holds`,
          ]
        : lines.slice(0, MOST_LINES).map((line) => pickOf(file.processing, line, key)),
    };
  });
}

function pickOf(processing: number, line: number, key: string): string {
  const options = `--file p${processing} --line ${line} ${WHY}`;
  // What follows -- is no option any more.
  if (key.startsWith('-')) return `referry resolve ${options} ${quoted(key)}`;
  return `referry resolve ${key === '' ? '<key>' : quoted(key)} ${options}`;
}

const place = ({
  job,
  processing,
  name,
}: {
  job: string;
  processing: number;
  name: string;
}): Pick<Waits, 'job' | 'file' | 'name'> => ({
  job,
  file: `p${processing}`,
  name,
});

const listed = (lines: readonly number[]): string =>
  `${lines.slice(0, MOST_LINES).join(', ')}${lines.length > MOST_LINES ? ` and ${lines.length - MOST_LINES} more` : ''}`;

/** As a shell takes it. */
function quoted(key: string): string {
  const plain = /^[\w.:@/+-]+$/.test(key) ? key : `'${key.replaceAll("'", `'\\''`)}'`;
  return key.startsWith('-') ? `-- ${plain}` : plain;
}
