import { Presets, SingleBar } from 'cli-progress';
import type { Io } from '../model.ts';
import type { Progress } from '../pipelines/files/context.ts';

const LINE_EVERY_MS = 5000;

interface Shown {
  tell: (progress: Progress) => void;
  stop: () => void;
  /** Prints a line above the bar; absent where nobody sits before a terminal. */
  say?: (line: string) => void;
}

/** A bar with rows, rate and time left on a terminal; a log line every few seconds elsewhere. */
export function showProgress(io: Io, quiet: boolean): Shown {
  if (quiet) return { tell: () => {}, stop: () => {} };
  return process.stderr.isTTY ? bar(io) : lines(io);
}

function bar(io: Io): Shown {
  let current: { id: string; bar: SingleBar; startedAt: number } | undefined;
  const stop = (): void => {
    current?.bar.stop();
    current = undefined;
  };
  return {
    stop,
    say: (line) => {
      stop();
      process.stderr.write(`${line}\n`);
    },
    tell: ({ file, phase, done, total, unit }) => {
      const id = `${phase} ${file}`;
      if (current?.id !== id) {
        stop();
        const format = `${phase.padEnd(15)} ${shorten(file)} [{bar}] {value}/{total} ${unit}  {rate}/s  {eta_formatted} left`;
        const made = new SingleBar(
          { format, hideCursor: true, clearOnComplete: true, stream: process.stderr, etaBuffer: 100, fps: 5 },
          Presets.shades_classic,
        );
        made.start(total || done || 1, 0, { rate: '-' });
        current = { id, bar: made, startedAt: io.monotonic() };
      }
      const seconds = (io.monotonic() - current.startedAt) / 1000;
      if (total === 0) current.bar.setTotal(done);
      current.bar.update(done, { rate: seconds > 0.2 ? Math.round(done / seconds).toLocaleString('en') : '-' });
    },
  };
}

function lines(io: Io): Shown {
  let id = '';
  let toldAt = 0;
  let startedAt = 0;
  return {
    stop: () => {},
    tell: ({ file, phase, done, total, unit }) => {
      const now = io.monotonic();
      if (id !== `${phase} ${file}`) {
        id = `${phase} ${file}`;
        startedAt = now;
        toldAt = now;
        return;
      }
      if (now - toldAt < LINE_EVERY_MS) return;
      toldAt = now;
      const perSecond = Math.round((done / Math.max(1, now - startedAt)) * 1000);
      const secondsLeft = total > done && perSecond > 0 ? Math.round((total - done) / perSecond) : undefined;
      io.log.info({ file, phase, done, ...(total > 0 ? { total } : {}), unit, perSecond, secondsLeft }, 'progress');
    },
  };
}

const shorten = (name: string): string => (name.length > 40 ? `${name.slice(0, 39)}…` : name);
