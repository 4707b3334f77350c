import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { AT, csv, HEADER, lineOf, row, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

describe('what lies in the inbox', () => {
  let world: World;
  afterEach(() => world.close());
  const results = (name: string) => readResults(world.read(`results/${name}`));

  it('I06, I13, I15, I23, I24, I33: a file that is not whole sends not one row, and its results say why in one line', async () => {
    world = await openWorld();
    world.job('feed', {
      source: { match: '*.{csv,csv.gz}' },
      file: { trailer: { startsWith: 'TRL', count: 2, sums: { amount: 3 } } },
      delivery: PATIENT,
    });
    const good = rows('X', 50);
    const total = good.reduce((sum, { amount }) => sum + Number(amount), 0).toFixed(2);
    const whole = csv([...good, `TRL,50,${total},,`]);
    const packed = gzipSync(whole);
    const files: [string, string | Buffer, string][] = [
      ['quote-on-last-line.csv', `${csv(good)}"X-torn,x@private.example,M,${AT},1.00\n`, 'QUOTE_NOT_CLOSED'],
      ['truncated.csv.gz', packed.subarray(0, packed.length - 12), 'GZIP_'],
      [
        'bad-crc.csv.gz',
        Buffer.concat([packed.subarray(0, -8), Buffer.from([1, 2, 3, 4]), packed.subarray(-4)]),
        'GZIP_',
      ],
      ['bomb.csv.gz', gzipSync(Buffer.alloc(30_000_000, 'a')), 'DECOMPRESSION_BOMB'],
      ['wrong-count.csv', csv([...good, `TRL,51,${total},,`]), 'TRAILER_'],
      ['wrong-sum.csv', csv([...good, 'TRL,50,1.00,,']), 'TRAILER_'],
      ['no-trailer.csv', csv(good), 'TRAILER_'],
      ['missing-column.csv', whole.replace('amount', 'total'), 'HEADER_'],
      ['duplicate-column.csv', whole.replace('member', 'Email'), 'HEADER_'],
      ['bad-bytes.csv', Buffer.concat([Buffer.from(csv(good)), Buffer.from([0x58, 0xe9, 0x2c, 0x0a])]), 'ENCODING'],
    ];
    for (const [i, [name, contents]] of files.entries()) world.drop(name, contents, 500 - i);
    const { code, run } = await world.run('feed');
    expect(code).toBe(3);
    expect(world.requests()).toEqual([]);
    expect(run.seen).toEqual({ files: files.length, processed: 0, held: 0, refused: files.length, open: 0 });
    for (const [i, [name, , why]] of files.entries()) {
      const file = run.files[i];
      expect(`${file?.path} ${file?.state} ${file?.code}`).toContain(`${name} refused ${why}`);
      const [line, more] = results(`${name.replace('.gz', '')}.results.csv`);
      expect(more).toBeUndefined();
      expect(line).toMatchObject({ outcome: 'refused', code: file?.code, attempts: 0 });
    }
    expect(results('quote-on-last-line.csv.results.csv')[0]?.line).toBe(52);
    expect(results('wrong-count.csv.results.csv')[0]?.reason).toMatch(/51.*50|50.*51/);
    expect(world.files('refused')).toHaveLength(files.length);
    expect(world.files('archive')).toEqual([]);
    expect(readdirSync(join(world.state, 'staging')).filter((name) => name.startsWith('p'))).toEqual([]);

    // The same contents, whole this time, are taken for what they are.
    world.drop('whole.csv.gz', packed);
    const { run: second } = await world.run('feed');
    expect(second).toMatchObject({ read: 50, delivered: 50 });
  });

  it('I01, I04, I05, I14, I17, I30, I32: marks, line ends, empty files, odd rows, links and temporary names', async () => {
    world = await openWorld();
    // An id may not hold line ends; any other field may.
    world.job('feed', { event: { data: { partner_user_id: null, branch: 'member' } } });
    const a = row('A-1');
    const inbox = join(world.served, 'inbox');
    const quoted = `"A-2","two@private.example","M\n""2""",${AT},"5.00"`;
    world.drop('1-bom.csv', `\uFEFF${csv([a])}`, 90);
    world.drop('2-crlf.csv', [HEADER, lineOf(row('B-1')), quoted, lineOf(row('B-2'))].join('\r\n'), 80);
    world.drop('3-empty.csv', '', 70);
    world.drop('4-header.csv', `${HEADER}\n`, 60);
    world.drop(
      '5-odd-rows.csv',
      csv([row('C-1'), 'short,row', row('C-2'), `${lineOf(row('C-3'))},long`, ...rows('D', 20)]),
      50,
    );
    // Whole, but somebody is writing it again: its neighbour says so.
    world.drop('up.csv', csv([row('Z-2')]), 40);
    for (const name of ['.hidden.csv', 'up.csv.filepart', 'x.csv.tmp'])
      writeFileSync(join(inbox, name), csv([row('Z-1')]));
    symlinkSync(join(world.root, 'received.jsonl'), join(inbox, 'link.csv'));
    mkdirSync(join(inbox, 'folder.csv'));
    const { code, run } = await world.run('feed');
    expect(run.files.map(({ path, read, delivered, rejected }) => [path, read, delivered, rejected])).toEqual([
      ['1-bom.csv', 1, 1, 0],
      ['2-crlf.csv', 3, 3, 0],
      ['3-empty.csv', 0, 0, 0],
      ['4-header.csv', 0, 0, 0],
      ['5-odd-rows.csv', 24, 22, 2],
    ]);
    expect(code).toBe(0);
    expect(run.notices.map(({ message }) => message).join()).toMatch(/link\.csv/);
    expect(world.files('inbox')).toEqual([
      '.hidden.csv',
      'folder.csv',
      'link.csv',
      'up.csv',
      'up.csv.filepart',
      'x.csv.tmp',
    ]);
    expect(fates(results('5-odd-rows.csv.results.csv')).slice(0, 4)).toEqual([
      '2 delivered',
      '3 rejected COLUMN_COUNT',
      '4 delivered',
      '5 rejected COLUMN_COUNT',
    ]);
    expect(results('2-crlf.csv.results.csv').map(({ line, input }) => [line, input])).toEqual([
      [2, lineOf(row('B-1'))],
      [3, quoted],
      [5, lineOf(row('B-2'))],
    ]);
    expect(world.requests().map(({ body }) => body.data.branch)).toContain('M\n"2"');
    expect(world.read('results/4-header.csv.results.csv').toString()).toMatch(/^line,.*amount\n$/);
  });

  it('take: copy leaves the file where it is until it is archived; what changed meanwhile is a new file; markers say when', async () => {
    world = await openWorld();
    world.job('feed', { source: { take: 'copy', stable: { marker: '{name}.done', for: '1h' } } });
    const inbox = join(world.served, 'inbox');
    world.drop('a.csv', csv(rows('A', 12)));
    world.drop('unmarked.csv', csv(rows('U', 2)));
    writeFileSync(join(inbox, 'a.csv.done'), '');
    // The partner writes the name anew while its rows are being sent.
    let n = 0;
    world.extole.setFaults(() => {
      if (++n === 4) world.drop('a.csv', csv([...rows('A', 12), ...rows('B', 3)]), 5);
      return undefined;
    });
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run.files).toMatchObject([{ path: 'a.csv', delivered: 12, state: 'processed' }]);
    expect(world.files('inbox')).toContain('a.csv');
    expect(world.files('processing')).toEqual([]);
    const { run: second } = await world.run('feed');
    expect(second.files).toMatchObject([{ path: 'a.csv', duplicate: 12, delivered: 3 }]);
    expect(world.files('inbox')).toEqual(['a.csv.done', 'unmarked.csv']);
    expect(world.requests()).toHaveLength(15);
  });

  it('I31: a file that still grows is left until it has stood still, also over runs', async () => {
    world = await openWorld();
    world.job('feed', { source: { stable: { for: '4s' } } });
    world.drop('grows.csv', csv(rows('A', 2)));
    const child = world.start(['run', 'feed', '--json']);
    await until('the first look', () => child.told().stderr.includes('waiting for files'));
    world.drop('grows.csv', csv(rows('A', 4)), 3);
    const end = await child.done;
    expect(end.code, end.stderr).toBe(0);
    expect(end.json()).toMatchObject({ files: [{ path: 'grows.csv', read: 4, delivered: 4 }] });
  });
});

describe('what the command line says', () => {
  let world: World;
  afterEach(() => world.close());

  it('a dry run says what would happen, and takes, sends and stores nothing', async () => {
    world = await openWorld({ remote: 'sftp' });
    world.job('feed');
    world.drop('a.csv', csv([...rows('A', 4), 'torn', row('A-0002'), row('C', { amount: '1.00' }), row('C')]));
    const before = { list: world.files('inbox'), at: statSync(join(world.served, 'inbox/a.csv')).mtimeMs };
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json']);
    expect(dry.code, dry.stderr).toBe(3);
    expect(dry.json()).toMatchObject({
      job: 'feed',
      dryRun: true,
      files: [
        { name: 'a.csv', read: 8, wouldSend: 4, duplicate: 1, conflict: 2, rejected: 1, held: 0, lane: 'async-events' },
      ],
    });
    const words = await world.cli(['run', 'feed', '--dry-run']);
    expect(words.stdout).toMatch(/would send 4 .*duplicate 1 .*conflict 2 .*rejected 1/);
    expect(words.stdout).toMatch(/account_opened: would send \d+\.\d\d USD of \d+\.\d\d USD/);
    expect(world.files('inbox')).toEqual(before.list);
    expect(statSync(join(world.served, 'inbox/a.csv')).mtimeMs).toBe(before.at);
    expect(existsSync(world.ledger)).toBe(false);
    for (const folder of ['processing', 'results', 'reports', 'archive']) expect(world.files(folder)).toEqual([]);
    expect(world.extole.stats().requests).toBe(0);
  });

  it('run --json is one object with the named fields, it adds up, and a local file stays where it is', async () => {
    world = await openWorld({ remote: 'sftp' });
    world.job('feed');
    const local = join(world.root, 'local.csv');
    writeFileSync(local, csv([...rows('A', 3), 'torn', row('A-0001')]));
    const { code, run, stdout } = await (async () => {
      const end = await world.cli(['run', 'feed', '--json', '--file', local]);
      return { ...end, run: end.json() };
    })();
    expect(code, stdout).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(run).toMatchObject({ job: 'feed', run: 'r1', lane: 'async-events', balanced: true, halted: null });
    const [file]: Record<string, unknown>[] = JSON.parse(JSON.stringify(run.files));
    const counts = ['delivered', 'duplicate', 'conflict', 'rejected', 'failed', 'held', 'open'];
    expect(Object.keys(file ?? {})).toEqual(
      expect.arrayContaining(['path', 'sha256', 'read', ...counts, 'balanced', 'resultsPath']),
    );
    expect(counts.reduce((sum, name) => sum + Number(file?.[name]), 0)).toBe(5);
    expect(file).toMatchObject({ path: 'local.csv', read: 5, delivered: 3, duplicate: 1, rejected: 1, balanced: true });
    expect(file?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(String(file?.resultsPath)).toMatch(/results\/local\.csv\.results\.csv$/);
    expect(readFileSync(local, 'utf8')).toContain('torn');
    expect(world.files('reports').filter((name) => name.startsWith('feed.')).length).toBeGreaterThanOrEqual(3);
  });

  it('wrong usage and unknown jobs end with 2, a source that is not there with 4, and nothing is lost by it', async () => {
    world = await openWorld({ remote: 'sftp' });
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 2)));
    const unknown = await world.cli(['run', 'no-such-job']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('there is: feed');
    expect((await world.cli(['run'])).code).toBe(2);
    expect((await world.cli(['run', 'feed', '--file', join(world.root, 'nowhere.csv')])).code).toBe(2);
    const token = await world.cli(['run', 'feed'], { EXTOLE_TOKEN: '' });
    expect(token.code).toBe(2);
    expect(token.stderr).toContain('EXTOLE_TOKEN');

    world.job('feed', { source: { url: 'sftp://partner@127.0.0.1:9/inbox', connectTimeout: '2s' } });
    const gone = await world.run('feed');
    expect(gone.code).toBe(4);
    expect(gone.run).toMatchObject({ halted: { code: expect.any(String) }, files: [] });
    const sftp = world.sftp;
    if (!sftp) throw new Error('no server');
    sftp.quirks.refuseAuth = true;
    world.job('feed');
    const locked = await world.run('feed');
    expect(locked.code).toBe(4);
    expect(locked.stdout + locked.stderr).not.toContain('a sandbox password');
    sftp.clearQuirks();
    expect((await world.run('feed')).run).toMatchObject({ delivered: 2, balanced: true });
  });
});
