import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file that was taken, as the log has it. */
export interface TakenFile {
  /** ISO 8601, UTC. */
  at: string;
  folder: string;
  name: string;
  bytes: number;
  sha256: string;
  rows: number;
  accepted: number;
  /** Why the file failed as a whole. */
  refusal?: string;
}

export interface TakenLog {
  /** What an earlier life has written. */
  readonly earlier: readonly TakenFile[];
  /** On disk before it returns. */
  append(file: TakenFile): void;
  close(): void;
}

/** JSON Lines, one for each file that was taken. */
export function openTakenLog(path: string): TakenLog {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const earlier = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): TakenFile => JSON.parse(line));
  const fd = openSync(path, 'a', 0o600);
  return {
    earlier,
    append(file) {
      writeSync(fd, `${JSON.stringify(file)}\n`);
      fsyncSync(fd);
    },
    close: () => closeSync(fd),
  };
}
