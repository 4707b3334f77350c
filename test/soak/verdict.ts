import type { Samples } from './sample.ts';
import { floors, grows, type Point, type Trend, trendOf } from './trend.ts';

/** What is left of a series after the first minutes, rounded. */
type Figures = Pick<Trend, 'perHour' | 'from' | 'to' | 'first' | 'last' | 'noise'>;

export interface Verdict {
  rssMb: Figures;
  heapMb: Figures;
  externalMb: Figures;
  handles: Figures;
  threads: Figures;
  peakRssMb: number;
  peakWalMb: number;
  /** Bytes that the ledger grew by for each row, in the first, second and last part of the time; all of it together. */
  bytesPerRow: { parts: number[]; all: number; ledgerMb: number; rows: number };
  violations: string[];
}

/** Caches fill, code is compiled, the heap finds its size: what happens in that time is no growth. */
const WARM_UP_S = 300;
/** Below this, there are too few minutes to tell a slope from noise. */
const LEAST_MINUTES = 12;
/** Whatever the values vary by, no resource may grow by so much a day. */
const MB_A_DAY = 100;
/** Of the write-ahead log, which is emptied into the ledger at 64 MB; a long reader may make it larger for a while. */
const LARGEST_WAL_MB = 256;

/** Parts of the time may differ by that factor from all of it. */
const BAND = 1.35;

/** `begun`: when the files began to come, in the samples' seconds. */
export function verdictOn(samples: Samples, begun: number, minutes: number): Verdict {
  const violations: string[] = [];
  const late = <T extends { at: number }>(points: readonly T[]): T[] =>
    points.filter(({ at }) => at - begun >= WARM_UP_S);
  const judged = minutes >= LEAST_MINUTES;
  const check = (name: string, points: readonly Point[], atLeast: number): Figures => {
    // What was not measured is no figure: NaN compares as if nothing grew.
    const missing = points.filter(({ value }) => !Number.isFinite(value)).length;
    if (missing > 0 || points.length === 0)
      violations.push(`${name}: ${missing} of ${points.length} samples are no number`);
    const trend = trendOf(floors(judged ? late(points) : points));
    if (judged && (grows(trend, atLeast) || (name.endsWith('(MB)') && surelyGrows(trend))))
      violations.push(`${name} grows: ${JSON.stringify(rounded(trend))}`);
    return rounded(trend);
  };
  const rssMb = check('memory (MB)', samples.rssMb, 6);
  const heapMb = check('heap (MB)', samples.heapMb, 3);
  const externalMb = check('external memory (MB)', samples.externalMb, 3);
  const handles = check('open handles', samples.handles, 1);
  const threads = check('threads', samples.threads, 1);
  const bytesPerRow = linear(judged ? late(samples.ledger) : samples.ledger);
  if (judged)
    for (const part of bytesPerRow.parts)
      if (part > bytesPerRow.all * BAND || part < bytesPerRow.all / BAND)
        violations.push(`the ledger does not grow in step with its rows: ${JSON.stringify(bytesPerRow)}`);
  const wal = samples.walMb.map(({ value }) => value);
  const peakWalMb = Math.round(Math.max(0, ...wal));
  if (wal.length === 0 || !wal.every(Number.isFinite))
    violations.push('the size of the write-ahead log was not measured');
  if (peakWalMb > LARGEST_WAL_MB) violations.push(`the write-ahead log had ${peakWalMb} MB`);
  const peakRssMb = Math.round(Math.max(0, ...samples.rssMb.map(({ value }) => value)));
  return { rssMb, heapMb, externalMb, handles, threads, peakRssMb, peakWalMb, bytesPerRow, violations };
}

/** Its slope is surely above what is allowed a day, and above what the values vary by. */
function surelyGrows({ from, first, last, noise }: Trend): boolean {
  return from * 24 > MB_A_DAY && last - first > noise;
}

function linear(points: Samples['ledger']): Verdict['bytesPerRow'] {
  const at = (share: number) => points[Math.min(points.length - 1, Math.round(share * (points.length - 1)))];
  const between = (from: number, to: number): number => {
    const [a, b] = [at(from), at(to)];
    return a && b && b.rows > a.rows ? Math.round((b.bytes - a.bytes) / (b.rows - a.rows)) : 0;
  };
  const last = at(1);
  return {
    parts: [between(0, 1 / 3), between(1 / 3, 2 / 3), between(2 / 3, 1)],
    all: between(0, 1),
    ledgerMb: Math.round((last?.bytes ?? 0) / 2 ** 20),
    rows: last?.rows ?? 0,
  };
}

function rounded({ perHour, from, to, first, last, noise }: Trend): Figures {
  const two = (value: number): number => Math.round(value * 100) / 100;
  return { perHour: two(perHour), from: two(from), to: two(to), first: two(first), last: two(last), noise: two(noise) };
}
