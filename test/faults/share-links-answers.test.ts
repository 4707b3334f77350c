import { afterEach, describe, expect, it } from 'vitest';
import type { FaultName } from '../../src/sandbox/extole/faults.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { customerRows, customers, type LinksWorld, openLinksWorld } from './support/links-world.ts';

const TROUBLE: readonly FaultName[] = [
  ...(['429', '500pre', '500post', '503pre', 'resetpre', 'resetpost', 'cut-headers', 'cut-body'] as const),
  ...(['badjson-pre', 'badjson-post', 'html-pre', 'html-post', 'empty-object', 'timeout-post', 'close-idle'] as const),
];

describe('share links, while Extole answers badly', { timeout: 180_000 }, () => {
  let world: LinksWorld;
  afterEach(() => world.close());
  const results = (name = 'a.csv') => readResults(world.read(`results/${name}.results.csv`));

  it.each(['refused', 'same', 'free'] as const)(
    'nobody ends with two links, or none, whatever became of the request that made one (a known key is %s)',
    async (keys) => {
      world = await openLinksWorld({ extole: { links: { shareables: { keys } } } });
      world.links({ more: { delivery: { timeout: { headers: '700ms', total: '900ms' } } } });
      const played = new Map<string, FaultName>();
      // Each kind of trouble meets one person who is made, and one link that is made.
      world.extole.links.setFaults(({ method, path }) => {
        if (method !== 'POST') return undefined;
        const what = path.endsWith('/shareables') ? 'link' : 'person';
        const fault = TROUBLE[[...played.keys()].filter((key) => key.startsWith(what)).length];
        if (fault === undefined) return undefined;
        played.set(`${what} ${fault}`, fault);
        return fault;
      });
      world.drop('a.csv', customerRows(...customers(TROUBLE.length + 3)));
      const { code, run, stderr } = await world.run('links');
      expect(code, stderr).toBe(0);
      expect(run).toMatchObject({ delivered: TROUBLE.length + 3, open: 0, balanced: true });
      expect(played.size).toBe(TROUBLE.length * 2);
      const codes = world.codes();
      expect([...codes.values()].every(({ length }) => length === 1)).toBe(true);
      expect(codes.size).toBe(TROUBLE.length + 3);
      for (const { input, eventId } of results())
        expect(eventId.endsWith(`/${codes.get(input.split(',')[0] ?? '')?.[0]}`), input).toBe(true);
    },
  );

  it('looks that fail are made again, and nobody is taken for missing because of one', async () => {
    world = await openLinksWorld();
    const known = world.extole.links.addPerson({ email: 'p0@people.example' });
    world.extole.links.putShareable({ personId: known, label: 'refer', code: 'before' });
    world.links({ more: { delivery: { timeout: { headers: '700ms', total: '900ms' } } } });
    let looks = 0;
    world.extole.links.setFaults(({ method }) => (method === 'GET' ? TROUBLE[looks++] : undefined));
    world.drop('a.csv', customerRows(...customers(4)));
    expect((await world.run('links')).run).toMatchObject({ delivered: 4, balanced: true });
    expect(looks).toBeGreaterThan(TROUBLE.length);
    expect(world.codes().get('p0@people.example')).toEqual(['before']);
    expect([...world.codes().values()].every(({ length }) => length === 1)).toBe(true);
    expect(world.codes().size).toBe(4);
  });

  it('an e-mail that several profiles have is held and nothing is made; a person who appears meanwhile is found', async () => {
    world = await openLinksWorld();
    world.extole.links.addPerson({ email: 'twin@people.example' });
    world.extole.links.addPerson({ email: 'twin@people.example' });
    world.links();
    // Somebody else makes the person between our look and our request.
    let raced = false;
    world.extole.links.setFaults(({ method, path, body }) => {
      if (method === 'POST' && path.endsWith('/persons') && body.includes('p0@') && !raced) {
        raced = true;
        world.extole.links.addPerson({ email: 'p0@people.example' });
      }
      return undefined;
    });
    world.drop('a.csv', customerRows('twin@people.example,,Ana', ...customers(2)));
    expect((await world.run('links')).run).toMatchObject({ delivered: 2, held: 1, open: 0, balanced: true });
    expect(raced).toBe(true);
    expect(fates(results())).toEqual(['2 held SEVERAL_PROFILES', '3 delivered', '4 delivered']);
    expect([...world.codes().keys()].sort()).toEqual(['p0@people.example', 'p1@people.example']);
  });

  it.each(['list', 'text', 'none'] as const)(
    'a code that is taken is answered with another one, each person with one link (suggestions: %s)',
    async (suggest) => {
      world = await openLinksWorld({ extole: { links: { shareables: { suggest } } } });
      world.links({ links: { code: { template: '{first_name}' } } });
      world.drop('a.csv', customerRows(...customers(6).map((row) => row.replace('Ana', 'Annabel'))));
      expect((await world.run('links')).run).toMatchObject({ delivered: 6, balanced: true });
      const codes = [...world.codes().values()];
      expect(codes.every(({ length }) => length === 1)).toBe(true);
      expect(codes.flat()).toContain('Annabel');
      expect(new Set(codes.flat().map((code) => code.toLowerCase())).size).toBe(6);
    },
  );

  it('an answer that takes longer than we wait is no second link, and a token that is refused halts with all rows open', async () => {
    world = await openLinksWorld();
    world.links({ more: { delivery: { timeout: { headers: '400ms', total: '600ms' } } } });
    let slow = 0;
    world.extole.links.setFaults(({ path }) =>
      path.endsWith('/shareables') && slow++ === 0 ? { kind: 'hang', accept: true } : undefined,
    );
    world.drop('a.csv', customerRows(...customers(3)));
    expect((await world.run('links')).run).toMatchObject({ delivered: 3 });
    world.extole.links.setFaults(undefined);
    world.extole.setTokens(['another']);
    world.drop('b.csv', customerRows(...customers(3, 'q')));
    const { code, run } = await world.run('links');
    expect(code).toBe(4);
    expect(run).toMatchObject({ open: 3, delivered: 0, halted: { code: 'UNAUTHORIZED' } });
    world.extole.setTokens([world.env.EXTOLE_TOKEN ?? '']);
    expect((await world.run('links')).run).toMatchObject({ delivered: 3, open: 0, halted: null });
    expect([...world.codes().values()].every(({ length }) => length === 1)).toBe(true);
    expect(world.codes().size).toBe(6);
  });
});
