import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { posix } from 'node:path';

/** The folder that is served. Paths are latin1 text, one character a byte; nothing outside is ever touched. */
export interface Jail {
  /** `..` stops at the root; a relative path starts at the root. */
  virtual(path: string): string;
  /** The place on disk. Its parents may be links within the folder; the last part is not followed. */
  place(virtual: string): Buffer;
  /** The place on disk behind a link, where that is within the folder too. */
  follow(virtual: string): Buffer;
}

/** A link that leads out of the folder. */
export class Escape extends Error {}

export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

export function lstatAt(place: Buffer): Stats | undefined {
  return lstatSync(place, { throwIfNoEntry: false });
}

export function createJail(root: string): Jail {
  const base = realpathSync.native(Buffer.from(root), { encoding: 'buffer' }).toString('latin1');

  function within(place: string): string {
    if (place !== base && !place.startsWith(`${base}/`)) throw new Escape('leads out of the folder that is served');
    return place;
  }
  function real(place: string): string {
    return within(realpathSync.native(bytesOf(place), { encoding: 'buffer' }).toString('latin1'));
  }
  function place(virtual: string): string {
    if (virtual === '/') return base;
    const { dir, base: name } = posix.parse(virtual);
    return `${real(base + dir)}/${name}`;
  }
  return {
    virtual(path) {
      const normal = posix.normalize(posix.join('/', path));
      return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
    },
    place: (virtual) => bytesOf(place(virtual)),
    follow(virtual) {
      const found = place(virtual);
      return bytesOf(lstatAt(bytesOf(found))?.isSymbolicLink() ? real(found) : found);
    },
  };
}
