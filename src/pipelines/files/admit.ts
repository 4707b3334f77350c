import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import type { Definition } from '../../jobs/definition.ts';
import { knownKeyWidth, learnKeyWidth } from '../../ledger/key-widths.ts';
import type { Ledger } from '../../ledger/open.ts';
import { type FileVerdict, type Processing, updateProcessing } from '../../ledger/processings.ts';
import {
  findSequence,
  MOST_MISSING,
  namesOnTheirWay,
  recordSequence,
  type SequenceFinding,
} from '../../ledger/sequences.ts';
import { usualRows } from '../../ledger/usual-rows.ts';
import { keySettingsOf } from '../../mapping/compile.ts';
import { learnedFrom, shortKeys } from '../../mapping/key-shape.ts';
import { FileRefused, type Notice } from '../../model.ts';
import type { FilePass, RunContext } from './context.ts';
import { type Seal, writeSeal } from './seal.ts';
import { LOCAL } from './stage.ts';

/** Codes of files that are held for what lies beside them or came before them, not for what they hold. */
const OF_THE_MOMENT = new Set(['MANIFEST_MISSING', 'SEQUENCE_GAP', 'SEQUENCE_REPEAT', 'SEQUENCE_UNREADABLE']);

/** Whether the same contents, dropped again, are to be judged anew. */
export function heldForTheMoment({ refusal }: Pick<Processing, 'refusal'>): boolean {
  return refusal?.verdict === 'held' && OF_THE_MOMENT.has(refusal.code);
}

/** A file that can be read, with what is known of it. */
export interface Admission {
  processing: Pick<Processing, 'id' | 'job' | 'name' | 'fileId' | 'takenPath' | 'reprocessOf'>;
  definition: Pick<Definition, 'event' | 'file' | 'manifest'>;
  paths: Pick<FilePass['paths'], 'manifest'>;
}

export interface Judged {
  held?: Seal['held'];
  notices: Notice[];
  sequence?: { number: number; finding: SequenceFinding };
}

/**
 * Judges a file by what lies beside it and by the files before it. Reads only. Throws `FileRefused` MANIFEST_MISSING where the job
 * refuses files without a manifest.
 */
export function judgeInContext(ledger: Pick<Ledger, 'db'>, file: Admission, seal: Seal): Judged {
  const { processing, definition } = file;
  const notices: Notice[] = [];
  const number = sequenceNumber(file, seal);
  const rule = definition.file.sequence;
  const finding =
    rule && typeof number === 'number'
      ? withoutLate(ledger, file, findSequence(ledger, processing.job, number, processing.fileId, rule))
      : undefined;
  if (finding && typeof number === 'number') notices.push(...sequenceNotices(number, finding));
  const fewer = fewerRows(ledger, file, seal);
  if (fewer && definition.file.fewerRows === 'notice') notices.push({ code: fewer.code, message: fewer.message });
  const width = knownKeyWidth(ledger, processing.job, definition.event.key.from);
  const held =
    manifestMissing(file) ??
    (typeof number === 'object' ? number : undefined) ??
    (finding && typeof number === 'number' ? sequenceHeld(number, finding, rule?.onGap === 'hold') : undefined) ??
    (width && shortKeys(seal.keys, width, definition.event.key, keySettingsOf(definition.event))) ??
    (fewer && definition.file.fewerRows === 'hold'
      ? { ...fewer, message: `${fewer.message}; nothing was sent` }
      : undefined);
  return {
    notices,
    ...(held ? { held } : {}),
    ...(finding && typeof number === 'number' ? { sequence: { number, finding } } : {}),
  };
}

/** Ends the seal of a file: what was judged is in the ledger, together with the state. */
export function admitFile(ctx: RunContext, pass: FilePass, seal: Seal): void {
  const { ledger, io } = ctx;
  const { processing, root } = pass;
  const judged = judgeInContext(ledger, pass, seal);
  const itself = root.id === processing.id;
  if (itself && (judged.notices.length > 0 || (judged.held && !seal.held))) {
    const told = new Set(seal.notices.map(({ code, message }) => `${code} ${message}`));
    seal.notices.push(...judged.notices.filter(({ code, message }) => !told.has(`${code} ${message}`)));
    if (judged.held && !seal.held) seal.held = judged.held;
    writeSeal(pass.paths.seal, seal);
  }
  const held: { refusal?: FileVerdict } = seal.held ? { refusal: { verdict: 'held', ...seal.held } } : {};
  const { sequence } = judged;
  ledger.db
    .transaction(() => {
      if (sequence && sequence.finding.takenBy === undefined) {
        const seen = {
          job: processing.job,
          number: sequence.number,
          processingId: processing.id,
          fileId: processing.fileId,
        };
        recordSequence(ledger, seen, sequence.finding.skipped, io.now());
      }
      updateProcessing(ledger, processing.id, {
        state: 'sealed',
        read: seal.rows,
        sealedAt: io.now(),
        lane: ctx.destination.laneFor(seal.candidates),
        ...held,
      });
    })
    .immediate();
}

/** Keys of a file whose rows were delivered teach how wide they are. */
export function learnFrom(
  ctx: RunContext,
  { processing, root, definition }: FilePass,
  seal: Seal,
  delivered: number,
): void {
  if (root.id !== processing.id || seal.held || delivered === 0) return;
  const learned = learnedFrom(seal.keys);
  const { from: column } = definition.event.key;
  if (learned) learnKeyWidth(ctx.ledger, { job: processing.job, column, processingId: processing.id, ...learned });
}

function manifestMissing({ processing, definition, paths }: Admission): Seal['held'] {
  const { manifest } = definition;
  if (!manifest || manifest.onMissing === 'process' || existsSync(paths.manifest)) return undefined;
  // Contents that are judged anew were admitted once; a file given by hand vouches for itself.
  if (processing.reprocessOf !== null || processing.takenPath.startsWith(LOCAL)) return undefined;
  const missing = {
    code: 'MANIFEST_MISSING',
    message: `no manifest (${manifest.name}) came with the file`,
    hint: 'ask the sender for both, the file and its manifest; or release the file if it is known to be whole',
  };
  if (manifest.onMissing === 'refuse')
    throw new FileRefused({ ...missing, hint: 'Ask the sender for both, the file and its manifest.' });
  return { ...missing, message: `${missing.message}; nothing was sent` };
}

/** Nothing in a file without a trailer shows that it was cut off between two rows, but for the files before it. */
function fewerRows(
  ledger: Pick<Ledger, 'db'>,
  { processing, definition }: Admission,
  seal: Seal,
): { code: string; message: string; hint: string } | undefined {
  if (definition.file.fewerRows === 'accept' || seal.rows === 0) return undefined;
  const usual = usualRows(ledger, processing.job, processing.fileId);
  if (!usual || seal.rows * 2 >= usual.rows) return undefined;
  return {
    code: 'FEWER_ROWS',
    message: `the file has ${seal.rows} row${seal.rows === 1 ? '' : 's'}, less than half of the ${usual.rows} that the last ${usual.files} files had in the middle: it may have been cut off`,
    hint: 'ask the sender whether the file is whole: release it if it is, else reject it',
  };
}

/** Fifteen digits are exact as a number. */
const NUMBER = /^\d{1,15}$/;

/** A file that was taken, and that a run could not read yet, is not missing. Its name says which number it has. */
function withoutLate(
  ledger: Pick<Ledger, 'db'>,
  { processing, definition }: Admission,
  finding: SequenceFinding,
): SequenceFinding {
  const pattern = definition.file.sequence?.pattern;
  if (pattern === undefined || finding.skipped.length === 0) return finding;
  const late = namesOnTheirWay(ledger, processing.job).map((name) => Number(numberIn(name, pattern)));
  return { ...finding, skipped: finding.skipped.filter((number) => !late.includes(number)) };
}

/** The folder that a file lay in says what is to be done, and is no part of the name that its sender gave it. */
const numberIn = (name: string, pattern: string): string | undefined =>
  new RegExp(pattern).exec(posix.basename(name))?.[1];

function sequenceNumber({ processing, definition }: Admission, seal: Seal): number | Seal['held'] | undefined {
  const rule = definition.file.sequence;
  if (!rule) return undefined;
  const found = rule.pattern === undefined ? seal.sequence : numberIn(processing.name, rule.pattern);
  if (found !== undefined && NUMBER.test(found)) return Number(found);
  const where = rule.pattern === undefined ? 'its trailer' : `its name (file.sequence.pattern: ${rule.pattern})`;
  return {
    code: 'SEQUENCE_UNREADABLE',
    message: `the file has no running number of up to 15 digits in ${where}; nothing was sent`,
    hint: 'compare file.sequence of the job with what the sender writes, and put the file in the inbox again; or release it',
  };
}

function sequenceHeld(number: number, { takenBy, skipped, last }: SequenceFinding, holdGaps: boolean): Seal['held'] {
  if (takenBy !== undefined)
    return {
      code: 'SEQUENCE_REPEAT',
      message: `the file has the number ${number}, which ${takenBy} had with other contents; nothing was sent`,
      hint: 'ask the sender which of the two counts: release this file if it is right, or reject it',
    };
  if (!holdGaps || skipped.length === 0) return undefined;
  return {
    code: 'SEQUENCE_GAP',
    message: `the file has the number ${number}, and the last one was ${last}: ${listed(skipped)} missing; nothing was sent`,
    hint: 'ask the sender for the missing files, and release this one when they are through',
  };
}

function sequenceNotices(number: number, { skipped, last, missingSince }: SequenceFinding): Notice[] {
  if (missingSince !== undefined)
    return [
      {
        code: 'SEQUENCE_FILLED',
        message: `number ${number}, missing since ${new Date(missingSince).toISOString()}, has come`,
      },
    ];
  if (skipped.length === 0) return [];
  return [{ code: 'SEQUENCE_GAP', message: `number ${number} came after ${last}: ${listed(skipped)} missing` }];
}

const SHOWN = 20;

function listed(numbers: readonly number[]): string {
  const more = numbers.length >= MOST_MISSING ? `${MOST_MISSING} or more` : `${numbers.length}`;
  if (numbers.length > SHOWN) return `${more} numbers from ${numbers[0]} on are`;
  return `${numbers.join(', ')} ${numbers.length === 1 ? 'is' : 'are'}`;
}
