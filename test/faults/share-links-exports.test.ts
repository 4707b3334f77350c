import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, describe, expect, it } from 'vitest';
import { newKeyPair, type SftpServer, startSftpServer } from '../../src/sandbox/sftp/server.ts';
import { fromEnv, type Json } from '../integration/support/usual-job.ts';
import { customerRows, customers, type LinksWorld, openLinksWorld } from './support/links-world.ts';
import { noSmallDisk, openSmallDisk, type SmallDisk } from './support/small-disk.ts';

const PLAIN: Json = { format: 'plain-csv', columns: { email: '{email}', link: '{link}' } };

interface Manifest {
  files: { name: string; rows: number; bytes: number; sha256: string }[];
}

/** Everybody in the files of a folder, in the order of the files' names; what a manifest says of each file must be so. */
function exported(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  expect(names.filter((name) => name.startsWith('.') || name.endsWith('.part'))).toEqual([]);
  const found: string[] = [];
  for (const name of names.filter((each) => each.endsWith('.manifest.json'))) {
    const manifest: Manifest = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    for (const file of manifest.files) {
      const bytes = readFileSync(join(folder, file.name));
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([file.bytes, file.sha256]);
      const rows: { email: string }[] = parse(bytes, { columns: true });
      expect(rows).toHaveLength(file.rows);
      found.push(...rows.map(({ email }) => email));
    }
  }
  expect(names.filter((name) => name.endsWith('.csv')).length).toBe(names.length / 2);
  return found;
}

const emails = (count: number, tag = 'p'): string[] =>
  Array.from({ length: count }, (_, i) => `${tag}${i}@people.example`).sort();

describe('exports of share links, where their outbox fails', { timeout: 180_000 }, () => {
  let world: LinksWorld;
  let outbox: SftpServer | undefined;
  afterEach(async () => {
    await outbox?.close();
    outbox = undefined;
    await world.close();
  });
  const served = (): string => join(world.root, 'crm');

  async function begin(): Promise<SftpServer> {
    world = await openLinksWorld();
    mkdirSync(served());
    const server = await startSftpServer({
      root: served(),
      users: [{ name: 'crm', password: 'a sandbox password', publicKeys: [newKeyPair().public] }],
    });
    outbox = server;
    const to = {
      url: `sftp://crm@127.0.0.1:${server.port}/import`,
      password: fromEnv('SFTP_PASSWORD'),
      hostKey: server.hostKeyFingerprint,
    };
    world.links({ exports: [{ ...PLAIN, to }] });
    return server;
  }

  it.each([
    ['whose disk is full', { failWriteAfterBytes: 200 }],
    ['that throws bytes away with a yes', { truncateSilently: 200 }],
    ['that ends the connection in the middle', { disconnectAtByte: 200 }],
    ['that does the rename and loses its answer', { renameReplyLost: true }],
    ['that refuses the rename', { failRename: 'denied' }],
    ['that refuses the login', { refuseAuth: true }],
  ] as const)(
    'a server %s gets the whole file in the end, never half of one, and no change is lost',
    async (_what, quirk) => {
      const server = await begin();
      Object.assign(server.quirks, quirk);
      world.drop('a.csv', customerRows(...customers(12)));
      const first = await world.run('links');
      expect(first.run, first.stderr).toMatchObject({ delivered: 12, balanced: true });
      for (const name of existsSync(join(served(), 'import')) ? readdirSync(join(served(), 'import')) : [])
        if (name.endsWith('.csv') && !name.startsWith('.'))
          expect(
            readFileSync(join(served(), 'import', name), 'utf8')
              .trimEnd()
              .split('\n'),
            name,
          ).toHaveLength(13);
      Object.assign(server.quirks, {
        failWriteAfterBytes: undefined,
        truncateSilently: undefined,
        disconnectAtByte: undefined,
        failRename: false,
        refuseAuth: false,
        renameReplyLost: false,
      });
      world.drop('b.csv', customerRows(...customers(3, 'q')));
      expect((await world.run('links')).run).toMatchObject({ delivered: 3 });
      await world.run('links');
      expect(exported(join(served(), 'import')).sort()).toEqual([...emails(12), ...emails(3, 'q')].sort());
    },
  );

  it.skipIf(noSmallDisk !== undefined)(
    `a folder whose disk is full gets nothing that is half, and everything once there is room${noSmallDisk ? `: skipped, ${noSmallDisk}` : ''}`,
    async () => {
      world = await openLinksWorld();
      const folder = join(world.root, 'crm');
      const disk = openSmallDisk(folder, 2 ** 20);
      try {
        world.links({ exports: [{ ...PLAIN, to: { url: `file://${folder}` } }] });
        disk.fill();
        world.drop('a.csv', customerRows(...customers(60)));
        const { run, stderr } = await world.run('links');
        expect(run, stderr).toMatchObject({ delivered: 60, balanced: true });
        expect(readdirSync(folder).filter((name) => name.endsWith('.csv') || name.endsWith('.json'))).toEqual([]);
        disk.empty();
        await world.run('links');
        expect(exported(folder).sort()).toEqual(emails(60));
      } finally {
        disk.close();
      }
    },
  );

  it.skipIf(noSmallDisk !== undefined)(
    `a disk of ours that is full when an export is written: links are made and kept, and the export follows${noSmallDisk ? `: skipped, ${noSmallDisk}` : ''}`,
    async () => {
      world = await openLinksWorld();
      let disk: SmallDisk | undefined;
      try {
        const folder = join(world.served, 'outbox');
        world.links({ exports: [{ ...PLAIN, to: { url: `file://${folder}` } }] });
        expect((await world.run('links')).code).toBe(0);
        const exports = join(world.state, 'staging', 'exports');
        mkdirSync(exports, { recursive: true });
        disk = openSmallDisk(exports, 64 * 1024);
        disk.fill();
        world.drop('a.csv', customerRows(...customers(40)));
        const full = await world.cli(['run', 'links', '--json']);
        expect(full.code).not.toBe(0);
        expect(world.codes().size).toBe(40);
        expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
        disk.empty();
        expect((await world.run('links')).code).toBe(0);
        expect(exported(folder).sort()).toEqual(emails(40));
      } finally {
        disk?.close();
      }
    },
  );
});
