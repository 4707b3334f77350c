import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Io } from '../../model.ts';
import type { Account, TakenRow } from './account.ts';
import type { AudienceChange, Audiences } from './audiences.ts';
import { decodeFile, type FileRows, readRows, UnreadableFile } from './dialect.ts';
import { type Behaviour, type RowResult, USUAL } from './folder-behaviour.ts';
import { FOLDERS, type FolderKind, kindOf, rulesFor, WATCHED } from './folder-kinds.ts';
import { openTakenLog, type TakenFile } from './folder-log.ts';
import { metadataOf, pickedRow, type ResultsText, resultsOf } from './folder-results.ts';
import { judgeRow, type RowVerdict } from './row-rules.ts';

export interface FolderOptions {
  io: Io;
  /** What the SFTP server serves as `/`; the usual folders are made in it. */
  root: string;
  /** Where rows go that were accepted. */
  account: Account;
  /** Whose members the files of audiences change; absent: such files leave events only. */
  audiences?: Audiences;
  /** Between two looks; default 200. */
  everyMs?: number;
  /** JSON Lines, one for each file taken, on disk before the file is moved. Names in it are known as seen. */
  log?: string;
  blockedEvents?: readonly string[];
  behaviour?: Partial<Behaviour>;
}

export interface ExtoleFolder {
  /** Every file taken, oldest first. */
  readonly taken: readonly TakenFile[];
  /** Switch while it is watched. */
  readonly behaviour: Behaviour;
  /** Looks once, now; resolves when every file found has been processed, its late lines aside. */
  look(): Promise<void>;
  /** Stops looking; what is being processed is finished, what comes late is left out. */
  close(): Promise<void>;
}

const READ = /\.(csv|psv)$/;
const WORLD_READABLE = 0o004;
const CHUNK = 1000;
const CHANGES = new Map<string, AudienceChange>([
  ['replace', 'REPLACE'],
  ['add', 'ADD'],
  ['remove', 'REMOVE'],
]);

/**
 * Extole's side of its SFTP server: takes the files that land in its folders, moves them to `archive`, writes `results`. A
 * file in another folder, or under another kind of name, is left where it is, without a word, as Extole does.
 */
export function watchExtoleFolder(options: FolderOptions): ExtoleFolder {
  const { io, root, account, everyMs = 200 } = options;
  const blocked = new Set(options.blockedEvents);
  const behaviour: Behaviour = { ...USUAL, ...options.behaviour };
  const taken: TakenFile[] = [];
  const namesSeen = new Set<string>();
  const sizes = new Map<string, string>();
  const stop = new AbortController();
  const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  const later = new Set<Promise<void>>();

  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  const log = options.log === undefined ? undefined : openTakenLog(options.log);
  for (const { folder, name } of log?.earlier ?? []) namesSeen.add(`${folder}/${name}`);

  async function lookOnce(): Promise<void> {
    if (behaviour.asleep) return;
    for (const folder of await watchedFolders(root)) {
      const kind = kindOf(folder);
      if (!kind) continue;
      for (const name of (await readdir(join(root, folder))).sort()) {
        if (READ.test(name) && (await hasSettled(`${folder}/${name}`))) await takeFile(folder, kind, name);
      }
    }
  }

  async function hasSettled(path: string): Promise<boolean> {
    const stats = await lstat(join(root, path)).catch(() => undefined);
    if (!stats?.isFile()) return false;
    const now = `${stats.size} ${stats.mtimeMs} ${stats.ino}`;
    const settled = behaviour.hasty || sizes.get(path) === now;
    sizes.set(path, now);
    return settled;
  }

  async function takeFile(folder: string, kind: FolderKind, name: string): Promise<void> {
    const place = join(root, folder, name);
    const delimiter = name.endsWith('.csv') ? ',' : '|';
    if (behaviour.slowMs > 0) await io.sleep(behaviour.slowMs);
    const stats = await lstat(place).catch(() => undefined);
    if (!stats?.isFile()) return;
    const bytes = await readFile(place);
    const twice = namesSeen.has(`${folder}/${name}`);
    namesSeen.add(`${folder}/${name}`);
    sizes.delete(`${folder}/${name}`);
    let parts: ResultsText[];
    let rows = 0;
    let accepted = 0;
    let refusal = behaviour.refuseFile(name) ?? (twice ? `Duplicate file: ${name} was already processed` : undefined);
    if (refusal === undefined && (stats.mode & WORLD_READABLE) === 0) {
      refusal = `Incorrect file permissions: ${name} is not readable by everyone`;
    }
    const read = refusal ?? readable(bytes, kind, delimiter);
    const file = typeof read === 'string' ? read : (ofAudience(folder, read) ?? read);
    if (typeof file === 'string') {
      refusal = file;
      parts = [metadataOf(file, delimiter, behaviour)];
    } else {
      const results = processRows(file, folder, kind, name);
      rows = results.length;
      accepted = results.filter(({ ok }) => ok).length;
      parts = resultsOf(file, results, delimiter, behaviour);
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const at = new Date(io.now()).toISOString();
    const entry: TakenFile = {
      at,
      folder,
      name,
      bytes: bytes.length,
      sha256,
      rows,
      accepted,
      ...(refusal === undefined ? {} : { refusal }),
    };
    taken.push(entry);
    log?.append(entry);
    await archive(folder, name);
    await publish(folder, name, parts);
  }

  /** Changes the members of an audience; why the file fails as a whole, where it does. */
  function ofAudience(folder: string, file: FileRows): string | undefined {
    const [, id = '', change = ''] = /^\/audiences\/([^/]+)\/(replace|add|remove)$/.exec(folder) ?? [];
    const type = CHANGES.get(change);
    return type && options.audiences?.applyFile(id, type, file);
  }

  /** The rows of a file, or why it fails as a whole. */
  function readable(bytes: Uint8Array, kind: FolderKind, delimiter: ',' | '|'): FileRows | string {
    try {
      const rows = readRows(decodeFile(bytes), delimiter === ',' ? 'CSV' : 'PSV', behaviour.quotes);
      const known = kind.oneOf.some((column) => rows.columns.includes(column));
      return known ? rows : `Missing required headers: ${kind.oneOf.join(' or ')}`;
    } catch (error) {
      if (error instanceof UnreadableFile) return error.message;
      throw error;
    }
  }

  function processRows({ columns, rows }: FileRows, folder: string, kind: FolderKind, name: string): RowResult[] {
    const rules = rulesFor(kind, name, blocked, new Date(io.now()).toISOString());
    const results: RowResult[] = [];
    const good: { result: RowResult; row: TakenRow }[] = [];
    for (const { number, values, fault } of rows) {
      const refused = behaviour.refuseRow(pickedRow(columns, number, values));
      const verdict: RowVerdict =
        fault !== undefined
          ? { ok: false, code: 'malformed_row', message: fault }
          : refused
            ? { ok: false, ...refused }
            : judgeRow(columns, values, rules);
      const result = verdict.ok
        ? { number, ok: true, code: '', message: '', eventId: '' }
        : { number, ok: false, code: verdict.code, message: verdict.message, eventId: '' };
      results.push(result);
      if (verdict.ok) good.push({ result, row: { path: `sftp:${folder}/${name}#${number}`, event: verdict.event } });
    }
    for (let i = 0; i < good.length; i += CHUNK) {
      const chunk = good.slice(i, i + CHUNK);
      const answers = account.takeRows(chunk.map(({ row }) => row));
      for (const [k, { result }] of chunk.entries()) result.eventId = answers[k]?.eventId ?? '';
    }
    return results;
  }

  function beside(folder: string, what: 'archive' | 'results'): string {
    return join(root, behaviour.place === 'underneath' ? folder : '/', what);
  }

  async function archive(folder: string, name: string): Promise<void> {
    const to = beside(folder, 'archive');
    await mkdir(to, { recursive: true });
    let place = join(root, folder, name);
    if (behaviour.unseenUntil) {
      const unseen = `${root}-unseen`;
      await mkdir(unseen, { recursive: true });
      await rename(place, join(unseen, name));
      place = join(unseen, name);
      await Promise.race([behaviour.unseenUntil, stopped]);
    }
    let target = join(to, name);
    for (let copy = 2; existsSync(target); copy += 1) target = join(to, `${name}.${copy}`);
    await rename(place, target);
  }

  async function publish(folder: string, name: string, parts: ResultsText[]): Promise<void> {
    if (behaviour.silent) return;
    const to = beside(folder, 'results');
    await mkdir(to, { recursive: true });
    if (behaviour.resultsAfterMs > 0) await io.sleep(behaviour.resultsAfterMs);
    for (const { part, text } of parts) {
      if (part === 1) await writeResults(to, name, part, text);
      else afterwards(behaviour.lateAfterMs, () => writeResults(to, name, part, text));
    }
  }

  /** What is there already stays: a file of the same name that failed as a duplicate has results of its own. */
  async function writeResults(folder: string, name: string, part: number, text: string): Promise<void> {
    let target = join(folder, behaviour.resultsName(name, part));
    for (let next = part + 1; existsSync(target) && next < 100; next += 1) {
      target = join(folder, behaviour.resultsName(name, next));
    }
    if (behaviour.halfWrittenMs > 0) {
      await writeFile(target, text.slice(0, Math.floor(text.length / 2)), { mode: 0o644 });
      await io.sleep(behaviour.halfWrittenMs);
      await writeFile(target, text);
      return;
    }
    const aside = join(dirname(target), `.${createHash('sha1').update(target).digest('hex')}.tmp`);
    await writeFile(aside, text, { mode: 0o644 });
    await rename(aside, target);
  }

  function afterwards(ms: number, then: () => Promise<void>): void {
    const waiting = io.sleep(ms, stop.signal).then(then, () => {});
    later.add(waiting);
    void waiting.finally(() => later.delete(waiting));
  }

  let looking: Promise<void> = Promise.resolve();
  function look(): Promise<void> {
    looking = looking.catch(() => {}).then(lookOnce);
    return looking;
  }

  async function keepLooking(): Promise<void> {
    while (!stop.signal.aborted) {
      await look().catch((error: unknown) => io.log.error({ error }, "the stand-in's folder cannot be looked at"));
      await io.sleep(everyMs, stop.signal).catch(() => {});
    }
  }
  const watching = keepLooking();

  return {
    taken,
    behaviour,
    look: async () => {
      await look();
      // A file must be seen twice before it is taken.
      if (!behaviour.hasty) await look();
    },
    async close() {
      if (stop.signal.aborted) return;
      stop.abort();
      await watching;
      await looking.catch(() => {});
      await Promise.all(later);
      log?.close();
    },
  };
}

/** Folders as virtual paths, those of audiences included. */
async function watchedFolders(root: string): Promise<string[]> {
  const audiences: string[] = [];
  for (const id of await readdir(join(root, '/audiences'))) {
    const changes = await readdir(join(root, '/audiences', id)).catch(() => []);
    for (const change of changes) audiences.push(`/audiences/${id}/${change}`);
  }
  return [...WATCHED, ...audiences];
}
