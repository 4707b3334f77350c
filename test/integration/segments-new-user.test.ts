import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT } from './support/cli.ts';
import { blocksThatRun, type NewUser, newUser } from './support/new-user.ts';

const page = await readFile(join(PROJECT, 'docs/segments.md'), 'utf8');

const marked = blocksThatRun(page);

describe('docs/segments.md, followed by a new user with a token', () => {
  let user: NewUser;
  const told: string[] = [];

  beforeAll(async () => {
    user = await newUser(['EXTOLE_TOKEN', 'EXTOLE_API_URL']);
  });

  afterAll(() => user.close());

  const members = (): string[] => user.sandbox.extole.audiences.all().flatMap((audience) => [...audience.members]);

  test('its commands run as they are written, and the audience is what the files say', async () => {
    expect(marked.map(({ code }) => code)).toEqual([0, 0, 3, 0]);
    const sizes: number[] = [];
    for (const [i, { code, script }] of marked.entries()) {
      // The page goes into the folder that it has made.
      const there = i > 0 ? 'cd my-segments\n' : '';
      const end = await user.run(there + script);
      expect(end.code, `${script}\n${end.stdout}${end.stderr}`).toBe(code);
      told.push(end.stdout);
      sizes.push(members().length);
    }
    expect(sizes).toEqual([0, 2, 2, 1]);
    expect(members()).toEqual(['ana.diaz@example.com']);
    expect(user.sandbox.extole.audiences.all().map(({ name }) => name)).toEqual(['VIP customers']);
  }, 120_000);

  test('what it says of a held sync is what the command says', () => {
    const [, , held = '', released = ''] = told;
    const [, shown = ''] = /```\n(segment vip, [^\n]+)\n```/.exec(page) ?? [];
    expect(shown).not.toBe('');
    expect(held.split('\n')).toContain(shown);
    expect(told[1]).toContain('Everything works.');
    expect(told[1]).toContain('vip: 2 named, 0 confirmed: would add 2, remove 0; 0 unchanged');
    expect(told[1]).toContain('they are the same');
    expect(released).toContain('segment vip, vip-20261121.csv: 2 members before + 0 added - 1 removed = 1');
    expect(released).toContain('Nothing waits for a person.');
  });

  test('results and reports are where the project has its files', async () => {
    expect((await readdir(join(user.folder, 'my-segments/files/results'))).sort()).toEqual([
      'vip-20261120.csv.results.csv',
      'vip-20261121.csv.results.csv',
      'vip-20261121.csv.results.r2.csv',
    ]);
  });
});
