import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

/** Reasons of rejected rows, one after the other, found by place and length. `told`: how much of one may be written down. */
export function createReasons(
  path: string,
  told: (reason: string) => string,
): { add(reason: string): { at: number; length: number }; finish(): void } {
  const fd = openSync(path, 'w', 0o600);
  let pieces: string[] = [];
  let piecesLength = 0;
  let at = 0;
  const flush = (): void => {
    const bytes = Buffer.from(pieces.join(''));
    let written = 0;
    while (written < bytes.length) written += writeSync(fd, bytes, written);
    pieces = [];
    piecesLength = 0;
  };
  return {
    add: (whole) => {
      const reason = told(whole);
      const length = Buffer.byteLength(reason);
      const place = { at, length };
      at += length;
      pieces.push(reason);
      piecesLength += length;
      if (piecesLength > 65_536) flush();
      return place;
    },
    finish: () => {
      try {
        flush();
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    },
  };
}
