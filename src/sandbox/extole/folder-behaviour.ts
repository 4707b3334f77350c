import type { Quotes } from './dialect.ts';

/** What became of a row, for a line of the results file. */
export interface RowResult {
  /** From 1, the header not counted. */
  number: number;
  ok: boolean;
  /** Empty where it succeeded. */
  code: string;
  message: string;
  eventId: string;
}

/** The columns that the results file puts before those of the input. */
export interface Layout {
  names: readonly string[];
  cells(row: RowResult): readonly string[];
  /** Of a file that failed as a whole. */
  metadata(message: string): readonly string[];
}

/** The names are not documented; these differ in all that a reader might lean on. */
export const LAYOUTS = {
  'status-message': {
    names: ['status', 'message'],
    cells: ({ ok, message }) => [ok ? 'SUCCESS' : 'FAILURE', message],
    metadata: (message) => ['FAILURE', message],
  },
  'result-error-row': {
    names: ['Result', 'Error Message', 'Row'],
    cells: ({ ok, message, number }) => [ok ? 'Success' : 'Error', message, String(number)],
    metadata: (message) => ['Error', message, ''],
  },
  success: {
    names: ['success'],
    cells: ({ ok }) => [String(ok)],
    metadata: (message) => [message],
  },
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof LAYOUTS;

/** A row as it stood in the file, for rules that pick rows. */
export interface PickedRow {
  number: number;
  values: Readonly<Record<string, string>>;
}

/** What Extole's folders do, and how they misbehave. Each can be switched while they are watched. */
export interface Behaviour {
  layout: LayoutName | Layout;
  /** How a quote within a quoted value is read. */
  quotes: Quotes;
  /** How a quote is written in results. */
  resultsQuotes: 'backslash' | 'doubled';
  /** Where `archive` and `results` are: underneath the folder of the file, as documented, or of the root. */
  place: 'underneath' | 'root';
  /** Order of the lines in the results. */
  order: 'same' | 'reversed' | 'shuffled';
  /** Takes a file at the first look; otherwise its size must be the same at two looks. */
  hasty: boolean;
  /** Whether the results of a file that failed as a whole have a header above their row. */
  metadataHeader: boolean;
  /** Name of the results file; `part` is 1, or 2 for lines that come late. */
  resultsName: (name: string, part: number) => string;
  /** A refusal of a row that the rules let through; `undefined` lets it through. */
  refuseRow: (row: PickedRow) => { code: string; message: string } | undefined;
  /** Why a whole file fails; `undefined` leaves that to the rules. */
  refuseFile: (name: string) => string | undefined;
  /** Rows that are processed and have no line in the results, ever. */
  missing: (row: PickedRow) => boolean;
  /** Rows whose line comes in a second file, `lateAfterMs` later. */
  late: (row: PickedRow) => boolean;
  lateAfterMs: number;
  /** Lines too many: of a row that nobody sent, or each line twice. */
  surplus: 'none' | 'stranger' | 'twice';
  /** Files stay in the folder this long after they were noticed. */
  slowMs: number;
  /** A file that was taken is in no folder until then, before it shows in the archive. */
  unseenUntil: Promise<void> | undefined;
  /** Results appear this long after the file was archived. */
  resultsAfterMs: number;
  /** Half of the results file is to be seen for so long, under its name. */
  halfWrittenMs: number;
  /** Takes files, processes them and never writes results. */
  silent: boolean;
  /** Takes no file at all. */
  asleep: boolean;
}

const STEM = /^(.*?)(\.[^.]*)?$/s;

/** `events_1.csv` to `events_1-results.csv`, and `events_1-results-2.csv` for what comes later. */
function usualName(name: string, part: number): string {
  const [, stem = name, extension = ''] = STEM.exec(name) ?? [];
  return `${stem}-results${part === 1 ? '' : `-${part}`}${extension}`;
}

export const USUAL: Readonly<Behaviour> = {
  layout: 'status-message',
  quotes: 'backslash',
  resultsQuotes: 'doubled',
  place: 'underneath',
  order: 'same',
  hasty: false,
  metadataHeader: true,
  resultsName: usualName,
  refuseRow: () => undefined,
  refuseFile: () => undefined,
  missing: () => false,
  late: () => false,
  lateAfterMs: 500,
  surplus: 'none',
  slowMs: 0,
  unseenUntil: undefined,
  resultsAfterMs: 0,
  halfWrittenMs: 0,
  silent: false,
  asleep: false,
};
