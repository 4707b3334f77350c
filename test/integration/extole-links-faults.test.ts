import { afterEach, describe, expect, test } from 'vitest';
import type { LinkAnswer } from '../../src/destinations/extole/links/answers.ts';
import { FAULTS, type Fault, type FaultName } from '../../src/sandbox/extole/faults.ts';
import type { ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { closeLinks, create, linkSettings, linkStandIn, openLinks } from './extole-links-setup.ts';

afterEach(closeLinks);

const SHORT = { timeout: { headers: '250ms', total: '300ms' } };

const NAMES = Object.keys(FAULTS).filter((name): name is FaultName => name in FAULTS);
const body = (accept: boolean, text: string): Fault => ({ kind: 'body', accept, body: text });

/** Every way to misbehave, and the answers of this API that are not quite right. */
const EVERY: readonly (readonly [string, Fault | FaultName])[] = [
  ...NAMES.map((name) => [name, name] as const),
  ['hang-then-taken', { kind: 'hang', accept: true, afterMs: 60 }],
  ['link-without-code-pre', body(false, '{"link":"https://share.acme.example/x"}')],
  ['link-without-code-post', body(true, '{"link":"https://share.acme.example/x"}')],
  ['script-as-link-post', body(true, '{"code":"abcd","link":"javascript:alert(1)"}')],
  ['list-pre', body(false, '[]')],
  ['list-post', body(true, '[]')],
];

/** Whatever it says, a yes names the one link that is there. */
function agrees(name: string, server: ExtoleStandIn, answer: LinkAnswer): void {
  expect(server.links.shareables.length, name).toBeLessThan(2);
  if (answer.kind !== 'accepted') return;
  const { code, personId, key } = answer;
  expect(server.links.shareables, name).toMatchObject([{ code, personId, key }]);
}

type Place = (request: { method: string; path: string }) => boolean;

const PLACES: readonly (readonly [string, Place])[] = [
  ['the link is made', ({ method, path }) => method === 'POST' && path.endsWith('/shareables')],
  ['the person is made', ({ method, path }) => method === 'POST' && path.endsWith('/persons')],
  ['the person is looked for', ({ method, path }) => method === 'GET' && path.startsWith('/v5/persons?')],
  ['links are looked for', ({ method, path }) => method === 'GET' && path.includes('/shareables?')],
];

describe('one link and no second one, whatever comes back once', () => {
  test.each(PLACES)('when %s', async (where, place) => {
    const known = where === 'links are looked for';
    const one = async ([name, fault]: (typeof EVERY)[number]): Promise<void> => {
      const server = await linkStandIn();
      if (known) server.links.addPerson({ email: 'ann.lee@example.com' });
      const settings = linkSettings(server);
      let played = 0;
      server.links.setFaults((request) => (place(request) && ++played === 1 ? fault : undefined));
      // On a busy machine a healthy answer may be late as well, before the fault's turn has come.
      do agrees(name, server, await create(openLinks(settings, SHORT)));
      while (played === 0);
      const second = await create(openLinks(settings));
      expect(second.kind, name).toBe('accepted');
      agrees(name, server, second);
    };
    await Promise.all(EVERY.map(one));
  });
});

describe('one link and no second one', () => {
  test.each(['refused', 'same', 'free'] as const)(
    'a lost yes, with keys %s, and a list that is slow to show it',
    async (keys) => {
      const server = await linkStandIn({ shareables: { keys, showAfterMs: 60 } });
      const settings = linkSettings(server, { code: { template: '{first_name}{employee_id}' } });
      server.links.fail({ kind: 'slow', ms: 0 }, 'resetpost');
      const answer = await create(openLinks(settings));
      expect(answer).toMatchObject({ kind: 'accepted', code: 'Ann0173' });
      expect(server.links.shareables).toHaveLength(1);
    },
  );

  test.each(['resetpost', '500post', 'badjson-post', 'timeout-post', '202'] as const)(
    'a lost yes (%s), where Extole looks neither at keys nor at codes',
    async (fault) => {
      const server = await linkStandIn({ shareables: { keys: 'free' } });
      server.links.fail({ kind: 'slow', ms: 0 }, fault);
      expect(await create(openLinks(linkSettings(server), SHORT))).toMatchObject({ kind: 'accepted', adopted: true });
      expect(server.links.shareables).toHaveLength(1);
    },
  );

  test('a code that is taken, then a lost yes to the next one, which is slow to show', async () => {
    const server = await linkStandIn({ shareables: { keys: 'free', suggest: 'none', showAfterMs: 100 } });
    server.links.putShareable({
      personId: server.links.addPerson({ email: 'bo@example.com' }),
      label: 'x',
      code: 'Anna',
    });
    server.links.fail({ kind: 'slow', ms: 0 }, { kind: 'slow', ms: 0 }, 'resetpost');
    const settings = linkSettings(server, { code: { template: 'Anna' }, backoff: { first: '100ms', cap: '100ms' } });
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'accepted', code: 'Anna2', adopted: true });
    expect(server.links.shareables).toHaveLength(2);
  });

  test('a request that is taken long after its answer was given up finds its key taken', async () => {
    const server = await linkStandIn();
    const settings = linkSettings(server);
    server.links.fail({ kind: 'slow', ms: 0 }, { kind: 'hang', accept: true, afterMs: 600 });
    const answer = await create(openLinks(settings, SHORT));
    expect(answer).toMatchObject({ kind: 'accepted' });
    await expect.poll(() => server.received.filter(({ fault }) => fault === 'hang')).toHaveLength(1);
    agrees('hang', server, answer);
  });
});
