import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type FileEntry } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openRemote } from '../../src/remotes/open.ts';
import { remoteSettings } from '../../src/remotes/settings.ts';
import { newKeyPair } from '../../src/sandbox/sftp/server.ts';
import { readSettings } from '../../src/settings.ts';
import { csv, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT } from '../integration/support/e2e-world.ts';

const ESC = '\u001b';
const io = realIo(createLog('silent'));
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to look for
const STEERS = /[\u001b\u0007]/;
const FORGED = '{"level":60,"msg":"forged"}';

/** An SFTP server that lists what it is told to, and says everything with escapes and line breaks. */
async function hostile(page: (n: number) => FileEntry[] | 'end' | 'refuse'): Promise<{ url: string; hostKey: string }> {
  const key = newKeyPair().private;
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error || Array.isArray(parsed)) throw new Error('no key');
  const { createHash } = await import('node:crypto');
  const server = new ssh2.Server(
    { hostKeys: [key], banner: `${ESC}[2J${ESC}]0;owned\u0007\n${FORGED}\n`, greeting: `${ESC}[31mhello` },
    (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => context.accept());
      client.on('session', (accept) => {
        accept().on('sftp', (open) => {
          const sftp = open();
          let pages = 0;
          const code = ssh2.utils.sftp.STATUS_CODE;
          const folder = { mode: 0o040755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };
          sftp.on('REALPATH', (id, path) => sftp.name(id, [{ filename: path, longname: '', attrs: folder }]));
          sftp.on('OPENDIR', (id) => sftp.handle(id, Buffer.from('d')));
          sftp.on('CLOSE', (id) => sftp.status(id, code.OK));
          for (const look of ['STAT', 'LSTAT'] as const) sftp.on(look, (id: number) => sftp.attrs(id, folder));
          sftp.on('READDIR', (id) => {
            const next = page(pages++);
            if (next === 'end') sftp.status(id, code.EOF);
            else if (next === 'refuse') sftp.status(id, code.FAILURE, `${ESC}[31mno\n${FORGED}`);
            else sftp.name(id, next);
          });
        });
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  const hostKey = `SHA256:${createHash('sha256').update(parsed.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { url: `sftp://partner@127.0.0.1:${port}/in`, hostKey };
}

function entry(filename: string, size = 10): FileEntry {
  return { filename, longname: '', attrs: { mode: 0o100644, uid: 0, gid: 0, size, atime: 1, mtime: 1 } };
}

async function list(server: { url: string; hostKey: string }) {
  const settings = remoteSettings.parse({ ...server, password: 'a password for nobody' });
  await using remote = await openRemote(settings, io);
  return await remote.list('.', new AbortController().signal);
}

describe('an SFTP server that means harm', () => {
  it('X23: a listing without end is given up, whether its pages are full or empty, and memory stays bounded', async () => {
    const before = process.memoryUsage.rss();
    const long = 'x'.repeat(900);
    const full = await hostile((n) => Array.from({ length: 240 }, (_, i) => entry(`${long}${n}-${i}.csv`)));
    await expect(list(full)).rejects.toMatchObject({ code: 'LISTING_TOO_LONG' });
    expect((process.memoryUsage.rss() - before) / 1024 ** 2).toBeLessThan(700);
    await expect(list(await hostile(() => []))).rejects.toMatchObject({ code: 'LISTING_TOO_LONG' });
  }, 90_000);

  it('X23: names that climb, name a root, or are longer than any name are passed over and said so', async () => {
    const names = [
      '../../etc/cron.d/x.csv',
      '/etc/passwd',
      '..',
      '.',
      '',
      'a\u0000b.csv',
      `${'y'.repeat(5000)}.csv`,
      'good.csv',
      '..\\..\\x.csv',
    ];
    const { files, notices } = await list(await hostile((n) => (n === 0 ? names.map((name) => entry(name)) : 'end')));
    expect(files.map(({ name }) => name).sort()).toEqual(['..\\..\\x.csv', 'good.csv']);
    expect(files.every(({ path }) => /^\/in\/[^/]+$/.test(path))).toBe(true);
    expect(notices.map(({ code }) => code)).toEqual(Array(notices.length).fill('ODD_NAME'));
    expect(notices.length).toBeGreaterThanOrEqual(4);
  });

  it('X12, X23: what it says, and what it calls its files, neither moves the terminal nor makes a line of the log', async () => {
    const world = await openWorld();
    try {
      const password = { password: 'a password for nobody' };
      world.job('refuses', {
        source: { ...(await hostile(() => 'refuse')), ...password, match: '*' },
        delivery: PATIENT,
      });
      const huge = [entry(`${ESC}[2J\n${FORGED}.csv`, 2 ** 50), entry(`\u202efdp.csv`, 2 ** 50)];
      world.job('huge', {
        source: { ...(await hostile((n) => (n === 0 ? huge : 'end'))), ...password, match: '*' },
        delivery: PATIENT,
      });
      world.job('local', { delivery: PATIENT });
      world.drop(
        `${ESC}[2J\n${FORGED}.csv`,
        csv([row('A-1'), row('A-2', { at: `${ESC}[31m\n${FORGED}` })]).replace(
          `${ESC}[31m\n${FORGED}`,
          `"${ESC}[31m\n${FORGED}"`,
        ),
      );
      const told = [];
      for (const args of [
        ['run', 'refuses'],
        ['run', 'huge'],
        ['run', 'huge', '--json'],
        ['run', 'local'],
        ['doctor', 'refuses'],
        ['status'],
        ['files'],
        ['held'],
        ['explain', 'A-2'],
      ])
        told.push({ args, ...(await world.cli(args, { REFERRY_LOG_LEVEL: 'debug' })) });
      for (const { args, stdout, stderr } of told) {
        expect(stdout + stderr, args.join(' ')).not.toMatch(STEERS);
        expect(
          (stdout + stderr).split('\n').filter((line) => line.startsWith('{"level":60')),
          args.join(' '),
        ).toEqual([]);
        for (const line of stderr.split('\n').filter((each) => each.startsWith('{')))
          expect(() => JSON.parse(line)).not.toThrow();
      }
      // A file that would fill the disk is not fetched: it is left, and named.
      const json = told.find(({ args }) => args.includes('--json'));
      expect(json?.json()).toMatchObject({
        files: [],
        notices: [{ code: 'FILE_TOO_LARGE' }, { code: 'FILE_TOO_LARGE' }],
      });
      expect(told.slice(0, 3).map(({ code }) => code)).toEqual([4, 0, 0]);
    } finally {
      await world.close();
    }
  });
});

describe('a file whose words mean something elsewhere', () => {
  it('X15, X18: SQL and names of prototypes, as header, key, event name, file name and JSON key, are text', async () => {
    const world = await openWorld();
    try {
      const sql = `x'); DROP TABLE deliveries; --`;
      const names = { name: null, nameFrom: 'column', nameColumn: 'note', allowedNames: ['account_opened'] };
      world.job('named', { event: { ...names, names: { [sql]: 'account_opened' } }, source: { match: '*.txt' } });
      world.drop(
        'named.txt',
        `id,email,member,at,amount,note\nN-1,a@b.example,M-1,${row('A').at},1.00,"${sql}"\nN-2,a@b.example,M-1,${row('A').at},1.00,"${sql} "\n`,
      );
      const named = await world.run('named');
      expect(named.run).toMatchObject({ delivered: 2 });
      expect(world.requests().map(({ body }) => body.event_name)).toEqual(['account_opened', 'account_opened']);
      world.job('csv', { event: { key: sql }, source: { match: '*.csv' }, delivery: PATIENT });
      world.drop(
        `${sql.replaceAll('/', '')}.csv`,
        `"${sql}",email,member,at,amount,toString,note\n"${sql}",a@b.example,M-1,${row('A').at},1.00,p,c\nOR 1=1,b@b.example,M-2,${row('A').at},1.00,p,c\n`,
      );
      world.job('json', { file: { format: 'jsonl' }, source: { match: '*.jsonl' }, delivery: PATIENT });
      const line = (id: string, more: string) =>
        `{"id":"${id}","email":"${id}@b.example","member":"M-${id}","at":"${row('A').at}","amount":"1.00",${more}}`;
      world.drop(
        'a.jsonl',
        `${line('J-1', '"__proto__":{"email":"evil@b.example","polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}')}\n${line('__proto__', '"toString":"x"')}\n${line('J-3', '"x":"y"')}\n`,
      );
      const first = await world.run('csv');
      expect(first.run).toMatchObject({ read: 2, delivered: 2, files: [{ state: 'processed' }] });
      const second = await world.run('json');
      expect([second.run.read, second.run.balanced]).toEqual([3, true]);
      // A key that would be a prototype costs its row.
      expect([second.run.delivered, second.run.rejected]).toEqual([2, 1]);
      const sent = world.requests().map(({ body }) => body.data);
      expect(sent.map(({ partner_conversion_id: key }) => key).sort()).toEqual(
        [sql, 'OR 1=1', '__proto__', 'J-3', 'N-1', 'N-2'].sort(),
      );
      expect(sent.every((data) => data.polluted === undefined && data.email !== 'evil@b.example')).toBe(true);
      expect((await world.cli(['explain', '__proto__', '--json'])).json()).toMatchObject({ found: true });
      expect((await world.cli(['explain', `' OR '1'='1`, '--json'])).json()).toMatchObject({ found: false, rows: [] });
      expect((await world.cli(['explain', sql, '--json'])).json()).toMatchObject({ found: true });
      writeFileSync(
        join(world.jobs, 'proto.yaml'),
        'pipeline: deliver-events\n__proto__: { polluted: yes }\nevent: { data: { __proto__: email, constructor: email } }\n',
      );
      const checked = await world.cli(['check']);
      expect(checked.code).toBe(2);
      expect(checked.stdout + checked.stderr).toContain('proto.yaml');
    } finally {
      await world.close();
    }
  });
});

it('X01: nobody but this machine is listened to unless an address says so, and nobody at all unless it is asked for', () => {
  expect(readSettings({}).listen).toBeUndefined();
  expect(readSettings({ REFERRY_LISTEN: '9464' }).listen).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(readSettings({ REFERRY_LISTEN: ':9464' }).listen).toEqual({ host: '0.0.0.0', port: 9464 });
});

it('X17: nothing of the program starts another one, so no name of a file can become an argument', async () => {
  const { sourceFiles, readSource } = await import('../unit/rooms-files.ts');
  expect(sourceFiles().filter((path) => /child_process|\beval\(|new Function\(/.test(readSource(path)))).toEqual([]);
});

it('X22: no package that is installed needs a script to be run, but for those whose scripts are refused by name', () => {
  const root = new URL('../../', import.meta.url);
  const lock: {
    packages: Record<string, { hasInstallScript?: true; dev?: true; optional?: true; integrity?: string; link?: true }>;
  } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8'));
  const manifest: { allowScripts: Record<string, boolean> } = JSON.parse(
    readFileSync(new URL('package.json', root), 'utf8'),
  );
  const withScripts = Object.entries(lock.packages)
    .filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect(withScripts.filter((name) => manifest.allowScripts[name] !== false)).toEqual([]);
  expect(
    Object.entries(lock.packages).filter(
      ([path, { integrity, link }]) => path !== '' && !link && integrity === undefined,
    ),
  ).toEqual([]);
});
