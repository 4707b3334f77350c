import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csv, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type RunJson, type World } from '../integration/support/e2e-world.ts';

const CANDIDATE = '.csv';
const long = (bytes: number, filler = 'l'): string =>
  filler.repeat((bytes - CANDIDATE.length) / Buffer.byteLength(filler)) + CANDIDATE;

/** Names that partners, spreadsheets and attackers give. */
const NAMES: readonly (readonly [what: string, name: string])[] = [
  ['a line end', 'line\nend.csv'],
  ['a terminal escape', 'esc\u001b[2J\u001b]0;owned\u0007.csv'],
  ['a direction override', 'rtl\u202egnp.csv'],
  ['an option', '-rf.csv'],
  ['a name of Windows', 'CON.csv'],
  ['an emoji', '🧾 Eröffnungen.csv'],
  ['composed', 'Zo\u00eb.csv'],
  ['decomposed, its twin', 'Zoe\u0308.csv'],
  ['dots that climb nowhere', 'up..x..csv'],
  ['quotes, shell and SQL', `'"; rm -rf $(x) --.csv`],
  ['markup', '<img src=x onerror=alert(1)>.csv'],
  ['a formula', '=cmd|calc!A0.csv'],
  ['percent signs and braces', '%2e%2e%2f{name}.csv'],
  ['254 bytes', long(254)],
  ['255 bytes', long(255, 'm')],
  ['255 bytes that differ at the end only', `${'m'.repeat(250)}n.csv`.slice(1)],
  ['255 bytes of two-byte letters', `x${long(254, 'é')}`],
];

for (const remote of ['sftp', 'local'] as const)
  describe(`names in the inbox, ${remote}`, () => {
    let world: World;
    let run: RunJson;
    let told = '';
    let code: number | undefined;
    beforeAll(async () => {
      world = await openWorld({ remote });
      world.job('feed', { delivery: PATIENT });
      const inbox = join(world.served, 'inbox');
      for (const [i, [, name]] of NAMES.entries()) writeFileSync(join(inbox, name), csv([row(`K-${i}`)]));
      // A name that is no UTF-8.
      writeFileSync(
        Buffer.concat([Buffer.from(`${inbox}/`), Buffer.from('caf\xe9.csv', 'latin1')]),
        csv([row('NEVER')]),
      );
      const end = await world.run('feed');
      run = end.run;
      code = end.code;
      told = end.stdout + end.stderr;
    });
    afterAll(() => world.close());

    it('I29: each is a file of its own, delivered and moved, whatever its name; one that is no UTF-8 is told of', () => {
      expect(run.notices.map((each) => each.code)).toEqual(['ODD_NAME']);
      expect(code).toBe(0);
      expect(run.files.filter(({ delivered }) => delivered === 1)).toHaveLength(NAMES.length);
      expect(world.requests()).toHaveLength(NAMES.length);
      expect(world.files('inbox')).toHaveLength(1);
      expect(world.files('processing')).toEqual([]);
      expect(world.files('archive')).toHaveLength(NAMES.length);
      expect(world.files('results')).toHaveLength(NAMES.length);
      expect(world.files('refused')).toEqual([]);
      // What was cut of a long name begins and ends as before, and two of them are kept apart.
      const cut = world.files('results').filter((name) => name.startsWith('mmm'));
      expect(cut.map((name) => /^m+~[0-9a-f]{8}\.csv\.results\.csv$/.test(name))).toEqual([true, true]);
    });

    it('I29: no name of theirs is a name on our own disk, and none reaches a terminal or log as it is', async () => {
      const staged = readdirSync(join(world.state, 'staging'), { recursive: true }).map(String);
      for (const name of staged) expect(name).toMatch(/^[\w./-]+$/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      const acting = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e]/;
      expect(JSON.stringify(JSON.parse(told.split('\n')[0] ?? ''))).toContain('u001b');
      for (const args of [['status'], ['files', 'feed'], ['held'], ['explain', 'K-1'], ['run', 'feed']]) {
        const end = await world.cli(args);
        expect(`${args.join(' ')}: ${acting.exec(end.stdout + end.stderr)?.[0] ?? 'clean'}`).toBe(
          `${args.join(' ')}: clean`,
        );
      }
      for (const name of world.files('reports').filter((each) => !each.endsWith('.json')))
        expect(`${name}: ${acting.exec(world.read(`reports/${name}`).toString())?.[0] ?? 'clean'}`).toBe(
          `${name}: clean`,
        );
    });
  });

describe('what is no file, in the inbox', () => {
  it('I30: links, also dangling ones, pipes, sockets, devices and folders are passed over with a notice, never opened', async () => {
    const world = await openWorld();
    try {
      world.job('feed', { delivery: PATIENT });
      const inbox = join(world.served, 'inbox');
      const secret = join(world.root, 'secret.csv');
      writeFileSync(secret, csv([row('SECRET')]));
      symlinkSync(secret, join(inbox, 'link.csv'));
      symlinkSync(join(world.root, 'nowhere'), join(inbox, 'dangling.csv'));
      symlinkSync(inbox, join(inbox, 'loop.csv'));
      mkdirSync(join(inbox, 'folder.csv'));
      writeFileSync(join(inbox, 'folder.csv', 'inside.csv'), csv([row('INSIDE')]));
      execFileSync('mkfifo', [join(inbox, 'pipe.csv')]);
      const odd = ['dangling.csv', 'folder.csv', 'link.csv', 'loop.csv', 'pipe.csv', 'socket.csv'];
      if (process.getuid?.() === 0) {
        execFileSync('mknod', [join(inbox, 'device.csv'), 'c', '1', '3']);
        odd.push('device.csv');
      }
      const socket = createServer().listen(join(inbox, 'socket.csv'));
      world.drop('good.csv', csv([row('GOOD')]));
      const { code, run } = await world.run('feed');
      socket.close();
      expect(code).toBe(0);
      expect(run.files).toMatchObject([{ path: 'good.csv', delivered: 1 }]);
      expect(run.notices.map((each) => each.code)).toEqual(odd.map(() => 'NOT_A_FILE'));
      for (const name of odd) expect(run.notices.map(({ message }) => message).join('\n')).toContain(`"${name}"`);
      expect(world.requests()).toHaveLength(1);
    } finally {
      await world.close();
    }
  });
});

it.each(['sftp', 'local'] as const)(
  'I32: names of what is still being written are no files, whatever the job takes; the file beside one waits until it is gone: %s',
  async (remote) => {
    const world = await openWorld({ remote });
    try {
      world.job('feed', { source: { match: '*' }, file: { format: 'csv' }, delivery: PATIENT });
      const written = ['.b.csv.swp', 'a.csv.filepart', 'c.csv.part', 'd.csv~', 'e.csv.tmp', 'f.csv.crdownload'];
      for (const name of written) world.drop(name, csv([row(`NEVER-${name.length}`)]));
      for (const name of ['a.csv', 'c.csv', 'e.csv']) world.drop(name, csv([row(`WAITS-${name}`)]));
      world.drop('z.csv', csv([row('Z-1')]));
      expect((await world.run('feed')).run.files.map(({ path }) => path)).toEqual(['z.csv']);
      expect(world.files('inbox')).toEqual([...written, 'a.csv', 'c.csv', 'e.csv'].sort());
      for (const name of ['a.csv.filepart', 'c.csv.part', 'e.csv.tmp']) rmSync(join(world.served, 'inbox', name));
      expect((await world.run('feed')).run.files.map(({ path }) => path).sort()).toEqual(['a.csv', 'c.csv', 'e.csv']);
      expect(
        world
          .requests()
          .map(({ body }) => body.data.partner_conversion_id)
          .sort(),
      ).toEqual(['WAITS-a.csv', 'WAITS-c.csv', 'WAITS-e.csv', 'Z-1']);
    } finally {
      await world.close();
    }
  },
);
