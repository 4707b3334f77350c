import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Remote } from '../../../src/model.ts';
import { openRemote } from '../../../src/remotes/open.ts';
import type { RemoteSettings } from '../../../src/remotes/settings.ts';
import { bytesOf, failureOf, localFile, noSignal, put, temporaryFolder, testIo } from './remotes-world.ts';

/** A place to run the suite against. */
export interface Place {
  settings: RemoteSettings;
  /** Where the remote's root lies on disk. */
  disk: string;
  close(): Promise<void>;
}

/** What every remote must do, whatever it is made of. */
export function describeRemote(title: string, start: () => Promise<Place>, skip = false): void {
  describe.skipIf(skip)(title, () => {
    const scratch = temporaryFolder();
    let place: Place;
    let remote: Remote;
    const on = (...parts: string[]) => join(place.disk, ...parts);
    const list = async (folder = 'inbox') => (await remote.list(folder, noSignal)).files;

    beforeAll(async () => {
      place = await start();
      remote = await openRemote(place.settings, testIo);
    });
    afterAll(async () => {
      await remote[Symbol.asyncDispose]();
      await place.close();
      scratch.remove();
    });
    beforeEach(() => {
      for (const name of readdirSync(place.disk)) rmSync(on(name), { recursive: true, force: true });
      mkdirSync(on('inbox'));
      mkdirSync(on('done'));
    });

    it('lists regular files, oldest first, then by name, with their sizes and times', async () => {
      put(on('inbox', 'b.csv'), 'bb', 1_700_000_100);
      put(on('inbox', 'a.csv'), 'a', 1_700_000_100);
      put(on('inbox', 'z.csv'), 'zzz', 1_600_000_000);
      expect((await list()).map(({ name, size, mtime }) => [name, size, mtime])).toEqual([
        ['z.csv', 3, 1_600_000_000_000],
        ['a.csv', 1, 1_700_000_100_000],
        ['b.csv', 2, 1_700_000_100_000],
      ]);
    });

    it('passes over links, folders and pipes that look like files, and says so once', async () => {
      put(on('inbox', 'real.csv'), 'x');
      symlinkSync('/etc/passwd', on('inbox', 'link.csv'));
      symlinkSync('nowhere', on('inbox', 'dangling.csv'));
      mkdirSync(on('inbox', 'folder.csv'));
      mkdirSync(on('inbox', 'archive'));
      execFileSync('mkfifo', [on('inbox', 'pipe.csv')]);
      const first = await remote.list('inbox', noSignal);
      expect(first.files.map(({ name }) => name)).toEqual(['real.csv']);
      const told = first.notices.map(({ message }) => /"(.*?)"/.exec(message)?.[1]).sort();
      expect(told).toEqual(['dangling.csv', 'folder.csv', 'link.csv', 'pipe.csv']);
      expect((await remote.list('inbox', noSignal)).notices).toEqual([]);
    });

    it('tells of a name that is not valid UTF-8 and carries on', async () => {
      put(on('inbox', 'good.csv'), 'x');
      writeFileSync(
        Buffer.concat([Buffer.from(on('inbox', 'bad-')), Buffer.from([0xe9, 0xff]), Buffer.from('.csv')]),
        'x',
      );
      const { files, notices } = await remote.list('inbox', noSignal);
      expect(files.map(({ name }) => name)).toEqual(['good.csv']);
      expect(notices.map(({ code }) => code)).toEqual(['ODD_NAME']);
    });

    it('lists, reads and moves files whatever their names are', async () => {
      const names = [
        '-rf',
        'a\nb',
        'a\u001b[2J.csv',
        '\u{1f389}.csv',
        'caf\u00e9.csv',
        'cafe\u0301.csv',
        'CON',
        'dot.',
        '%2e%2e',
        `${'n'.repeat(251)}.csv`,
      ];
      for (const name of names) put(on('inbox', name), name);
      const files = await list();
      expect(files.map(({ name }) => name).sort()).toEqual([...names].sort());
      for (const file of files) {
        expect((await bytesOf(remote, file)).toString()).toBe(file.name);
        await remote.move(file.path, `done/${file.name}`);
      }
      expect(readdirSync(on('done')).sort()).toEqual([...names].sort());
    });

    it('says which folder is missing', async () => {
      const error = await failureOf(remote.list('nowhere', noSignal));
      expect(error.code).toBe('NO_SUCH_FOLDER');
      expect(error.message).toContain('nowhere');
      expect(error.retryable).toBe(false);
    });

    it.each([0, 1, 131_072, 3_000_001])('reads a file of %i bytes exactly', async (size) => {
      const bytes = Buffer.alloc(size, 'referry,');
      for (let at = 0; at + 4 <= size; at += 4096) bytes.writeUInt32BE(at, at);
      put(on('inbox', 'x.csv'), bytes);
      const [file] = await list();
      expect(file?.size).toBe(size);
      if (file !== undefined) expect((await bytesOf(remote, file)).equals(bytes)).toBe(true);
    });

    it('does not give a file that changed since it was listed', async () => {
      put(on('inbox', 'grown.csv'), 'one');
      put(on('inbox', 'touched.csv'), 'two');
      put(on('inbox', 'gone.csv'), 'three');
      const files = await list();
      put(on('inbox', 'grown.csv'), 'one more');
      put(on('inbox', 'touched.csv'), 'TWO', 1_700_000_050);
      unlinkSync(on('inbox', 'gone.csv'));
      const codes: Record<string, [string, boolean]> = {};
      for (const file of files) {
        const error = await failureOf(bytesOf(remote, file));
        codes[file.name] = [error.code, error.retryable];
      }
      expect(codes).toEqual({
        'gone.csv': ['FILE_VANISHED', true],
        'grown.csv': ['FILE_CHANGED', true],
        'touched.csv': ['FILE_CHANGED', true],
      });
    });

    it('never follows a link, though it was a file when it was listed', async () => {
      put(on('inbox', 'x.csv'), 'x');
      const [file] = await list();
      unlinkSync(on('inbox', 'x.csv'));
      symlinkSync('/etc/passwd', on('inbox', 'x.csv'));
      if (file === undefined) throw new Error('not listed');
      expect((await failureOf(bytesOf(remote, file))).code).toBe('NOT_A_FILE');
      expect((await failureOf(remote.stat('inbox/x.csv'))).code).toBe('NOT_A_FILE');
    });

    it('stops reading when it is told to', async () => {
      put(on('inbox', 'x.csv'), Buffer.alloc(4_000_000));
      const [file] = await list();
      if (file === undefined) throw new Error('not listed');
      const stop = new AbortController();
      let read = 0;
      const reading = (async () => {
        for await (const chunk of remote.read(file, stop.signal)) {
          read += chunk.length;
          stop.abort(new Error('enough'));
        }
      })();
      await expect(reading).rejects.toThrow('enough');
      expect(read).toBeLessThan(4_000_000);
      expect((await list()).length).toBe(1);
    });

    it('answers undefined only for a file that is not there', async () => {
      put(on('inbox', 'x.csv'), 'xyz', 1_700_000_000);
      expect(await remote.stat('inbox/x.csv')).toMatchObject({ name: 'x.csv', size: 3, mtime: 1_700_000_000_000 });
      expect(await remote.stat('inbox/y.csv')).toBeUndefined();
      expect(await remote.stat('nowhere/y.csv')).toBeUndefined();
      expect((await failureOf(remote.stat('inbox'))).code).toBe('NOT_A_FILE');
    });

    it('moves without ever replacing, and a second time is harmless', async () => {
      put(on('inbox', 'x.csv'), 'mine');
      put(on('inbox', 'y.csv'), 'other');
      await remote.move('inbox/x.csv', 'done/x.csv');
      await remote.move('inbox/x.csv', 'done/x.csv');
      expect(readFileSync(on('done', 'x.csv'), 'utf8')).toBe('mine');
      const error = await failureOf(remote.move('inbox/y.csv', 'done/x.csv'));
      expect([error.code, error.retryable]).toEqual(['TARGET_EXISTS', false]);
      expect(readFileSync(on('done', 'x.csv'), 'utf8')).toBe('mine');
      expect(readFileSync(on('inbox', 'y.csv'), 'utf8')).toBe('other');
      expect((await failureOf(remote.move('inbox/none', 'done/none'))).code).toBe('FILE_VANISHED');
      expect((await failureOf(remote.move('inbox/y.csv', 'nowhere/y.csv'))).code).toBe('NO_SUCH_FOLDER');
      expect(existsSync(on('inbox', 'y.csv'))).toBe(true);
    });

    it('finishes a move that was killed between its two steps', async () => {
      put(on('inbox', 'x.csv'), 'mine');
      execFileSync('ln', [on('inbox', 'x.csv'), on('done', 'x.csv')]);
      await remote.move('inbox/x.csv', 'done/x.csv');
      expect([existsSync(on('inbox', 'x.csv')), readFileSync(on('done', 'x.csv'), 'utf8')]).toEqual([false, 'mine']);
    });

    it('publishes a file whole, and the same bytes again as the same file', async () => {
      const local = localFile(scratch.path, Buffer.alloc(1_000_001, 'row,'));
      const path = await remote.publish('done/r.csv', local);
      expect(path.endsWith('done/r.csv')).toBe(true);
      expect(readFileSync(on('done', 'r.csv')).equals(readFileSync(local.path))).toBe(true);
      expect(await remote.publish('done/r.csv', local)).toBe(path);
      expect(await remote.publish('done/empty.csv', localFile(scratch.path, ''))).toContain('empty.csv');
      expect(readdirSync(on('done')).sort()).toEqual(['empty.csv', 'r.csv']);
    });

    it('puts other bytes beside what is there, never over it', async () => {
      put(on('done', 'x.csv.results.csv'), 'first');
      const second = localFile(scratch.path, 'second');
      const third = localFile(scratch.path, 'third');
      expect(await remote.publish('done/x.csv.results.csv', second)).toMatch(/done\/x\.csv\.results\.r2\.csv$/);
      expect(await remote.publish('done/x.csv.results.csv', third)).toMatch(/done\/x\.csv\.results\.r3\.csv$/);
      expect(await remote.publish('done/x.csv.results.csv', second)).toMatch(/done\/x\.csv\.results\.r2\.csv$/);
      expect(readFileSync(on('done', 'x.csv.results.csv'), 'utf8')).toBe('first');
      expect(readdirSync(on('done')).length).toBe(3);
    });

    it('replaces where it is asked to, and whoever polls sees one version or the other, whole', async () => {
      const versions = ['a', 'b'].map((letter) => localFile(scratch.path, letter.repeat(300_000)));
      const [first, second] = versions;
      if (first === undefined || second === undefined) throw new Error('no versions');
      await remote.publish('done/page.html', first);
      let publishing = true;
      const seen = new Set<string>();
      const polling = (async () => {
        while (publishing) {
          const now = readFileSync(on('done', 'page.html'), 'utf8');
          seen.add(`${now[0]}${now.length}${now.at(-1)}`);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      for (let round = 0; round < 6; round++) {
        const path = await remote.publish('done/page.html', round % 2 === 0 ? second : first, { replace: true });
        expect(path.endsWith('done/page.html')).toBe(true);
      }
      publishing = false;
      await polling;
      expect([...seen].sort()).toEqual(['a300000a', 'b300000b']);
      expect(readdirSync(on('done'))).toEqual(['page.html']);
    });

    it('replaces its own leftover, and does not write through a link planted under that name', async () => {
      const local = localFile(scratch.path, 'contents');
      const temporary = on('done', `.r.csv.${local.sha256.slice(0, 12)}.part`);
      writeFileSync(temporary, 'half');
      await remote.publish('done/r.csv', local);
      const victim = join(scratch.path, 'victim');
      writeFileSync(victim, 'untouched');
      unlinkSync(on('done', 'r.csv'));
      symlinkSync(victim, temporary);
      await remote.publish('done/r.csv', local);
      expect(readFileSync(victim, 'utf8')).toBe('untouched');
      expect(readdirSync(on('done'))).toEqual(['r.csv']);
      expect(readFileSync(on('done', 'r.csv'), 'utf8')).toBe('contents');
    });

    it('N18: removes its temporary file where the target was already there, and keeps the target', async () => {
      const local = localFile(scratch.path, 'contents');
      await remote.publish('done/r.csv', local);
      writeFileSync(on('done', `.r.csv.${local.sha256.slice(0, 12)}.part`), 'contents');
      await remote.publish('done/r.csv', local);
      expect(readdirSync(on('done'))).toEqual(['r.csv']);
    });

    it('N31: refuses to publish onto a folder, into a missing folder, or a file that is not what was announced', async () => {
      const local = localFile(scratch.path, 'contents');
      mkdirSync(on('done', 'r.csv'));
      expect((await failureOf(remote.publish('done/r.csv', local))).code).toBe('TARGET_IS_DIRECTORY');
      expect((await failureOf(remote.publish('nowhere/r.csv', local))).code).toBe('NO_SUCH_FOLDER');
      const wrong = { ...local, sha256: 'f'.repeat(64) };
      expect((await failureOf(remote.publish('done/w.csv', wrong))).code).toBe('LOCAL_CHANGED');
      expect(readdirSync(on('done'))).toEqual(['r.csv']);
    });

    it('N31: publishes through a folder that is a link only where the settings say so', async () => {
      const local = localFile(scratch.path, 'contents');
      symlinkSync(on('done'), on('elsewhere'));
      expect((await failureOf(remote.publish('elsewhere/r.csv', local))).code).toBe('FOLDER_IS_LINK');
      const lenient = await openRemote({ ...place.settings, allowFolderLinks: true }, testIo);
      await lenient.publish('elsewhere/r.csv', local);
      await lenient[Symbol.asyncDispose]();
      expect(readdirSync(on('done'))).toEqual(['r.csv']);
    });

    it('publishes under a name as long as names may be', async () => {
      const name = `${'n'.repeat(251)}.csv`;
      await remote.publish(`done/${name}`, localFile(scratch.path, 'contents'));
      expect(readdirSync(on('done'))).toEqual([name]);
    });

    it('makes folders with their parents, again and again, and says when a file is in the way', async () => {
      await remote.ensureFolder('a/b/c');
      await remote.ensureFolder('a/b/c');
      expect(existsSync(on('a/b/c'))).toBe(true);
      put(on('inbox', 'file'), 'x');
      expect((await failureOf(remote.ensureFolder('inbox/file'))).code).toBe('NOT_A_FOLDER');
    });

    it('removes what is ours, and absent is success', async () => {
      put(on('inbox', 'x'), 'x');
      await remote.remove('inbox/x');
      await remote.remove('inbox/x');
      expect(readdirSync(on('inbox'))).toEqual([]);
    });

    it('refuses paths that climb', async () => {
      for (const path of ['../x', 'inbox/../../x', '/../etc/passwd', 'x\0y']) {
        expect((await failureOf(remote.stat(path))).code).toBe('OUTSIDE_ROOT');
      }
    });

    it('gives its address without a secret', () => {
      expect(remote.url).toMatch(/^(sftp|file):\/\//);
      expect(remote.url).not.toContain('secret');
    });
  });
}
