import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  truncateSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { deny, type OpenFile, openFile, Refusal, readFile, type SessionContext, writeFile } from './files.ts';
import { Escape, lstatAt } from './jail.ts';
import {
  attrsOf,
  attrsPacket,
  fieldsOf,
  handlePacket,
  limitsPacket,
  longnameOf,
  namePacket,
  REQUEST,
  STATUS,
  statusPacket,
  u32Of,
  versionPacket,
} from './wire.ts';

interface OpenFolder {
  kind: 'folder';
  path: string;
  names: string[];
  /** How many of them were told. */
  told: number;
}

type Fields = ReturnType<typeof fieldsOf>;

const PAGE = 200;

/**
 * Answers the requests of one session, each at once: files are few and on a local disk, so waiting for the disk costs
 * less than switching away from it.
 */
export function createRequests(context: SessionContext) {
  const { jail, quirks, send, reset } = context;
  const handles = new Map<number, OpenFile | OpenFolder>();
  let lastHandle = 0;

  function keep(opened: OpenFile | OpenFolder): Buffer {
    handles.set(++lastHandle, opened);
    return u32Of(lastHandle);
  }
  function handleOf(handle: Buffer): OpenFile | OpenFolder {
    const found = handle.length === 4 ? handles.get(handle.readUInt32BE(0)) : undefined;
    if (found === undefined) throw new Refusal(STATUS.failure, 'Failure');
    return found;
  }
  function fileOf(handle: Buffer): OpenFile {
    const found = handleOf(handle);
    if (found.kind !== 'file') throw new Refusal(STATUS.failure, 'Failure');
    return found;
  }
  const ok = (id: number) => statusPacket(id, STATUS.ok, '');
  const path = (fields: Fields) => jail.virtual(fields.path());
  const attrs = (stats: Stats, listing = false) =>
    attrsOf(stats, {
      mtime: quirks.noMtime,
      mode: listing && quirks.noModeInListing,
      late: listing ? quirks.listingLate : 0,
    });

  function lookAt(id: number, stats: () => Stats): Buffer {
    if (quirks.statFailure) throw new Refusal(STATUS.failure, 'Failure');
    return attrsPacket(id, attrs(stats()));
  }

  function readFolder(id: number, folder: OpenFile | OpenFolder): Buffer {
    if (folder.kind !== 'folder') throw new Refusal(STATUS.failure, 'Failure');
    const page: { name: string; longname: string; attrs: Buffer }[] = [];
    const here = jail.follow(folder.path);
    while (page.length < PAGE) {
      const name = folder.names[folder.told];
      if (name === undefined) break;
      folder.told++;
      const dots = name === '.' || name === '..';
      const place = dots ? here : Buffer.concat([here, Buffer.from(`/${name}`, 'latin1')]);
      const stats = lstatAt(place);
      if (stats === undefined) continue;
      page.push({ name, longname: quirks.emptyLongnames ? '' : longnameOf(name, stats), attrs: attrs(stats, true) });
      if (quirks.vanishOnArrival && stats.isFile()) unlinkSync(place);
    }
    return page.length === 0 ? statusPacket(id, STATUS.eof, 'End of file') : namePacket(id, page);
  }

  function rename(id: number, from: string, to: string, replaces: boolean): Buffer | undefined {
    deny(quirks.denyRename, from);
    deny(quirks.denyRename, to);
    deny(quirks.denyWrite, to);
    if (quirks.failRename === 'failure') throw new Refusal(STATUS.failure, 'Failure');
    if (quirks.failRename === 'denied') throw new Refusal(STATUS.denied, 'Permission denied');
    if (quirks.failRename === 'unsupported') throw new Refusal(STATUS.unsupported, 'Operation unsupported');
    const [source, target] = [jail.place(from), jail.place(to)];
    lstatSync(source);
    if (!replaces && lstatAt(target) !== undefined) throw new Refusal(STATUS.failure, 'Failure');
    if (quirks.renameHeld === true) {
      quirks.renameHeld = () => {
        if (replaces || lstatAt(target) === undefined) renameSync(source, target);
      };
      return undefined;
    }
    renameSync(source, target);
    if (!quirks.renameReplyLost) return ok(id);
    quirks.renameReplyLost = false;
    reset();
    return undefined;
  }

  function setAttributes(id: number, target: string, wanted: ReturnType<Fields['attrs']>): Buffer {
    if (quirks.noSetstat) throw new Refusal(STATUS.unsupported, 'Operation unsupported');
    deny(quirks.denyWrite, target);
    const place = jail.follow(target);
    if (wanted.size !== undefined) truncateSync(place, wanted.size);
    if (wanted.mode !== undefined) chmodSync(place, wanted.mode & 0o777);
    if (wanted.mtime !== undefined) utimesSync(place, wanted.atime ?? wanted.mtime, wanted.mtime);
    return ok(id);
  }

  function closeHandle(id: number, handle: Buffer): Buffer {
    const opened = handleOf(handle);
    handles.delete(handle.readUInt32BE(0));
    if (opened.kind === 'file') closeSync(opened.fd);
    if (quirks.failClose && opened.kind === 'file') throw new Refusal(STATUS.failure, 'Failure');
    return ok(id);
  }

  function openFolder(id: number, folder: string): Buffer {
    deny(quirks.denyList, folder);
    const names = readdirSync(jail.follow(folder), { encoding: 'latin1' });
    return handlePacket(id, keep({ kind: 'folder', path: folder, names: ['.', '..', ...names], told: 0 }));
  }

  function change(id: number, target: string, how: (place: Buffer) => void): Buffer {
    deny(quirks.denyWrite, target);
    how(jail.place(target));
    return ok(id);
  }

  function extended(id: number, fields: Fields): Buffer | undefined {
    const name = fields.path();
    if (name === 'posix-rename@openssh.com' && !quirks.noPosixRename)
      return rename(id, path(fields), path(fields), true);
    if (name === 'limits@openssh.com' && !quirks.noLimits) return limitsPacket(id);
    if (name === 'fsync@openssh.com' && !quirks.noFsync) {
      const file = fileOf(fields.bytes());
      if (quirks.failFsync) throw new Refusal(STATUS.failure, 'Failure');
      fsyncSync(file.fd);
      return ok(id);
    }
    throw new Refusal(STATUS.unsupported, 'Operation unsupported');
  }

  const oneName = (id: number, name: string) => namePacket(id, [{ name, longname: name, attrs: u32Of(0) }]);

  /** The answer, or undefined where none is given. */
  const ANSWERS: Readonly<Record<number, (id: number, fields: Fields) => Buffer | undefined>> = {
    [REQUEST.open]: (id, fields) =>
      handlePacket(id, keep(openFile(context, path(fields), fields.u32(), fields.attrs().mode))),
    [REQUEST.close]: (id, fields) => closeHandle(id, fields.bytes()),
    [REQUEST.read]: (id, fields) => readFile(context, id, fileOf(fields.bytes()), fields.u64(), fields.u32()),
    [REQUEST.write]: (id, fields) => writeFile(context, id, fileOf(fields.bytes()), fields.u64(), fields.bytes()),
    [REQUEST.stat]: (id, fields) => lookAt(id, () => lstatSync(jail.follow(path(fields)))),
    [REQUEST.lstat]: (id, fields) => lookAt(id, () => lstatSync(jail.place(path(fields)))),
    [REQUEST.fstat]: (id, fields) => lookAt(id, () => fstatSync(fileOf(fields.bytes()).fd)),
    [REQUEST.setstat]: (id, fields) => setAttributes(id, path(fields), fields.attrs()),
    [REQUEST.fsetstat]: (id, fields) => setAttributes(id, fileOf(fields.bytes()).path, fields.attrs()),
    [REQUEST.opendir]: (id, fields) => openFolder(id, path(fields)),
    [REQUEST.readdir]: (id, fields) => readFolder(id, handleOf(fields.bytes())),
    [REQUEST.remove]: (id, fields) => change(id, path(fields), unlinkSync),
    [REQUEST.mkdir]: (id, fields) => change(id, path(fields), (place) => mkdirSync(place, 0o755)),
    [REQUEST.rmdir]: (id, fields) => change(id, path(fields), (place) => rmdirSync(place)),
    [REQUEST.realpath]: (id, fields) => oneName(id, path(fields)),
    [REQUEST.rename]: (id, fields) => rename(id, path(fields), path(fields), quirks.renameOverwrites),
    [REQUEST.readlink]: (id, fields) => oneName(id, readlinkSync(jail.place(path(fields)), { encoding: 'latin1' })),
    [REQUEST.extended]: extended,
  };

  function announce(): Buffer {
    const offered: (readonly [string, string])[] = [];
    if (!quirks.noPosixRename) offered.push(['posix-rename@openssh.com', '1']);
    if (!quirks.noFsync) offered.push(['fsync@openssh.com', '1']);
    if (!quirks.noLimits) offered.push(['limits@openssh.com', '1']);
    return versionPacket(offered);
  }

  function onPacket(packet: Buffer): void {
    if (packet[0] === REQUEST.init) {
      send(announce());
      return;
    }
    if (quirks.stallAll || packet.length < 5) return;
    const id = packet.readUInt32BE(1);
    try {
      const answer = ANSWERS[packet[0] ?? 0];
      if (answer === undefined) throw new Refusal(STATUS.unsupported, 'Operation unsupported');
      const reply = answer(id, fieldsOf(packet, 5));
      if (reply !== undefined) send(reply);
    } catch (error) {
      send(statusPacket(id, ...refusalOf(error)));
    }
  }

  function close(): void {
    for (const opened of handles.values()) if (opened.kind === 'file') closeSync(opened.fd);
    handles.clear();
  }

  return { onPacket, close };
}

function refusalOf(error: unknown): [number, string] {
  if (error instanceof Refusal) return [error.status, error.message];
  if (error instanceof Escape) return [STATUS.denied, 'Permission denied'];
  if (error instanceof RangeError) return [STATUS.badMessage, 'Bad message'];
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return [STATUS.noSuchFile, 'No such file'];
  if (code === 'EACCES' || code === 'EPERM') return [STATUS.denied, 'Permission denied'];
  return [STATUS.failure, 'Failure'];
}
