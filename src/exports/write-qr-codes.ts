import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { type ByteFile, createByteFile, type WholeFile } from './byte-file.ts';
import { QR_NAME_TAKEN, type QrImage, qrDrawer } from './qr-codes.ts';
import type { QrSettings } from './qr-settings.ts';
import { countLeftOut, type ExportRow, type HearLeftOut, type LeftOut } from './row.ts';

export interface QrWork {
  rows: Iterable<ExportRow> | AsyncIterable<ExportRow>;
  settings: QrSettings;
  /** A private local folder. */
  folder: string;
  /** Of the zips and of the folder of images, without an ending: `share-links-20261121`. */
  name: string;
  /** Milliseconds since 1970: the date that images have in a zip. */
  at: number;
  leftOut?: HearLeftOut;
  signal: AbortSignal;
}

/** read = images + the sum of leftOut. */
export interface WrittenQrCodes {
  read: number;
  images: number;
  /** Zips, with the images in each; empty with `into: folder`. */
  zips: (WholeFile & { images: number })[];
  /** With `into: folder`, where the images are. */
  folder?: string;
  leftOut: Readonly<Record<string, number>>;
}

/**
 * Writes the QR codes of links: into zips `<name>.zip`, `<name>.part2.zip`, or into a folder `<name>`, in place of
 * what an earlier, broken pass left there. Throws what the disk says, or the signal's reason.
 */
export async function writeQrCodes(work: QrWork): Promise<WrittenQrCodes> {
  const { settings, signal } = work;
  const draw = qrDrawer(settings);
  const shelf = settings.into === 'zip' ? zipShelf(work) : await folderShelf(join(work.folder, work.name));
  const { counts, leave } = countLeftOut(work.leftOut);
  let read = 0;
  let images = 0;
  try {
    for await (const row of work.rows) {
      signal.throwIfAborted();
      read++;
      const drawn = await draw(row);
      const wrong = 'code' in drawn ? drawn : await shelf.put(drawn);
      if (wrong === undefined) images++;
      else leave(row, wrong);
    }
    signal.throwIfAborted();
    const zips = await shelf.end();
    return { read, images, zips, ...(shelf.folder !== undefined && { folder: shelf.folder }), leftOut: counts };
  } catch (error) {
    await shelf.discard();
    throw error;
  }
}

interface Shelf {
  folder?: string;
  put(image: QrImage): Promise<LeftOut | undefined>;
  end(): Promise<WrittenQrCodes['zips']>;
  discard(): Promise<void>;
}

async function folderShelf(folder: string): Promise<Shelf> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    folder,
    async put({ name, bytes }) {
      const path = join(folder, name);
      try {
        await using handle = await open(path, 'wx', 0o600);
        await handle.writeFile(bytes);
        return undefined;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
        return bytes.equals(await readFile(path)) ? undefined : QR_NAME_TAKEN;
      }
    },
    end: async () => [],
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

const CHUNK = 1 << 18;

function zipShelf({ folder, name, at, settings }: QrWork): Shelf {
  const done: WrittenQrCodes['zips'] = [];
  let open: OpenZip | undefined;
  const close = async (): Promise<void> => {
    if (open) done.push(await open.end());
    open = undefined;
  };
  const next = async (): Promise<OpenZip> => {
    const zip = done.length === 0 ? `${name}.zip` : `${name}.part${done.length + 1}.zip`;
    return openZip(await createByteFile(join(folder, zip), zip), new Date(at));
  };
  return {
    async put(image) {
      if (open && open.images() >= settings.perZip) await close();
      open ??= await next();
      return open.put(image);
    },
    async end() {
      if (done.length === 0) open ??= await next();
      await close();
      return done;
    },
    async discard() {
      await open?.discard();
      for (const { path } of done) await rm(path, { force: true });
    },
  };
}

interface OpenZip {
  images(): number;
  put(image: QrImage): Promise<LeftOut | undefined>;
  end(): Promise<WholeFile & { images: number }>;
  discard(): Promise<void>;
}

function openZip(file: ByteFile, mtime: Date): OpenZip {
  const zip = new ZipFile();
  zip.outputStream.on('data', (bytes: Buffer) => file.add(bytes));
  const names = new Set<string>();
  return {
    images: () => names.size,
    async put({ name, bytes }) {
      const folded = name.toLowerCase();
      if (names.has(folded)) return QR_NAME_TAKEN;
      names.add(folded);
      // Images of PNG are compressed as they are.
      zip.addBuffer(bytes, name, { mtime, mode: 0o100644, compress: !name.endsWith('.png') });
      if (file.waiting >= CHUNK) await file.flush();
      return undefined;
    },
    async end() {
      zip.end();
      await finished(zip.outputStream);
      return { ...(await file.finish()), images: names.size };
    },
    discard: () => file.discard(),
  };
}
