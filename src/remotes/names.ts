import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { TransferError } from '../model.ts';

// Control characters, and those that reorder or break a line where a name is shown.
const UNSHOWABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** A name or path as it may stand in a message: one line, nothing that steers a terminal. */
export function shown(name: string): string {
  const safe = name.replace(UNSHOWABLE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
  return safe.length > 300 ? `${safe.slice(0, 300)}…` : safe;
}

/** Whether a folder or link of this name may have been meant as a file to process. */
export function looksLikeData(name: string): boolean {
  return /\.(csv|psv|tsv|txt|json|jsonl|ndjson|gz|zip|pgp|gpg)$/i.test(name);
}

/** The path as the remote understands it. A path that climbs is refused, whatever it would lead to. */
export function resolvePath(root: string, path: string): string {
  if (path.includes('\0') || path.split('/').includes('..')) {
    throw new TransferError('OUTSIDE_ROOT', `path "${shown(path)}" may not contain .. or a zero byte`, {
      hint: 'give a path below the root of the remote, or one that starts with /',
    });
  }
  const joined = path.startsWith('/') ? posix.normalize(path) : posix.join(root, path);
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
}

/** `results/x.csv.results.csv` and 2 give `results/x.csv.results.r2.csv`. */
export function revisionOf(path: string, revision: number): string {
  const { dir, name, ext } = posix.parse(path);
  return posix.join(dir, `${name}.r${revision}${ext}`);
}

/** Hex digits of a tag, and how many tags a hash gives. */
const TAG = 12;
export const TEMPORARIES = 5;

/**
 * Where a file is written before it gets its name. The tag stands for the contents, so that a repeated attempt meets
 * its own leftovers and no other ones. `attempt`: 0 to TEMPORARIES - 1.
 */
export function temporaryOf(path: string, sha256: string, attempt = 0): string {
  const { dir, base } = posix.parse(path);
  const tag = sha256.slice(attempt * TAG, (attempt + 1) * TAG);
  const temporary = `.${base}.${tag}.part`;
  return posix.join(dir, Buffer.byteLength(temporary) <= 255 ? temporary : `.${tag}.part`);
}

/** Bytes of a name that leave room, of the 255 that file systems take, for what we put behind it: times, hashes, `.results.r12.jsonl.pgp`. */
const LEAVES_ROOM = 200;
const ENDING = /(?:\.[A-Za-z0-9]{1,8}){0,3}$/;

/**
 * A partner's name, as a name of ours may begin. One that leaves no room is cut, and a hash of the whole keeps it apart from others; it
 * begins and ends as before, so that patterns still match it. Where it came with a folder, a dot takes the place of the slash.
 */
export function fittingName(called: string): string {
  const name = called.replaceAll('/', '.');
  if (Buffer.byteLength(name) <= LEAVES_ROOM) return name;
  const ending = ENDING.exec(name)?.[0] ?? '';
  const rest = `~${createHash('sha256').update(name).digest('hex').slice(0, 8)}${ending}`;
  let head = '';
  let room = LEAVES_ROOM - Buffer.byteLength(rest);
  for (const char of name) {
    room -= Buffer.byteLength(char);
    if (room < 0) break;
    head += char;
  }
  return head + rest;
}

/** Oldest first, then by name. */
export function byAge(a: { mtime: number; name: string }, b: { mtime: number; name: string }): number {
  if (a.mtime !== b.mtime) return a.mtime - b.mtime;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
