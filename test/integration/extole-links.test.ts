import { afterEach, describe, expect, test } from 'vitest';
import { extoleSettings } from '../../src/destinations/extole/settings.ts';
import { ANN, calls, closeLinks, create, linkSettings, linkStandIn, openLinks } from './extole-links-setup.ts';
import { openSender, row, send } from './extole-setup.ts';

afterEach(closeLinks);

describe('a customer gets a link', () => {
  test('of a person that Extole does not know: the person is made, then the link, with three requests', async () => {
    const server = await linkStandIn();
    const links = openLinks(linkSettings(server, { code: { template: '{first_name}{employee_id}' } }));
    const answer = await create(links);
    const [made] = server.links.shareables;
    expect(answer).toEqual({
      kind: 'accepted',
      personId: made?.personId,
      link: 'https://share.acme.example/Ann0173',
      code: 'Ann0173',
      key: `refer-a-friend-${made?.personId}`,
      label: 'refer-a-friend',
      adopted: false,
    });
    expect(calls(server)).toEqual([
      'GET /v5/persons',
      'POST /v5/persons',
      `POST /v5/persons/${made?.personId}/shareables`,
    ]);
    expect(server.links.person(made?.personId ?? '')).toMatchObject({ email: 'ann.lee@example.com' });
  });

  test('the second time it is the same link, adopted, with two requests', async () => {
    const server = await linkStandIn();
    const settings = linkSettings(server);
    const first = await create(openLinks(settings));
    const before = server.received.length;
    expect(await create(openLinks(settings))).toEqual({ ...first, adopted: true });
    expect(server.links.shareables).toHaveLength(1);
    expect(server.received.length - before).toBe(2);
  });

  test.each([true, false])('several at once for the same person make one link (known before: %s)', async (known) => {
    const server = await linkStandIn({ shareables: { keys: 'free' } });
    if (known) server.links.addPerson({ email: 'ann.lee@example.com', keys: { partner_user_id: '007' } });
    const links = openLinks(linkSettings(server));
    const people = [
      ANN,
      ANN,
      { ...ANN, partnerUserId: '007' },
      ...(known ? [{ partnerUserId: '007', columns: {} }] : []),
    ];
    const answers = await Promise.all(people.map((person) => create(links, person)));
    expect(answers.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(server.links.shareables).toHaveLength(1);
  });

  test('with another label it is another link', async () => {
    const server = await linkStandIn();
    const settings = linkSettings(server);
    await create(openLinks(settings));
    expect(await create(openLinks({ ...settings, label: 'spring' }))).toMatchObject({
      adopted: false,
      label: 'spring',
    });
    expect(server.links.shareables.map(({ label }) => label)).toEqual(['refer-a-friend', 'spring']);
  });

  test('content, data and the program go with it; texts whose column is empty do not', async () => {
    const server = await linkStandIn({ shareables: { programs: ['https://acme.example/refer'] } });
    const settings = linkSettings(server, {
      content: {
        title: '{first_name} invites you',
        description: 'Hello {city}',
        url: 'https://acme.example/{employee_id}',
      },
      data: { branch: '{employee_id}', town: '{city}', source: 'backfill' },
      programUrl: 'https://acme.example/refer',
    });
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'accepted' });
    expect(server.links.shareables).toMatchObject([
      {
        content: { title: 'Ann invites you', url: 'https://acme.example/0173' },
        data: { branch: '0173', source: 'backfill' },
        programUrl: 'https://acme.example/refer',
      },
    ]);
    expect(server.links.shareables[0]?.data).toEqual({ branch: '0173', source: 'backfill' });
  });

  test.each([
    ['v3', undefined, 'program-url'],
    ['v3', 'program_url', 'program_url'],
    ['v5', undefined, 'program_url'],
  ] as const)('by %s with programUrlField %s the program stands in %s', async (apiVersion, programUrlField, field) => {
    const server = await linkStandIn({ shareables: { v3ProgramField: field } });
    const program = { programUrl: 'https://acme.example/refer', ...(programUrlField ? { programUrlField } : {}) };
    const links = openLinks(linkSettings(server, { apiVersion, ...program }));
    expect(await create(links)).toMatchObject({ kind: 'accepted' });
    const post = server.received.find(({ path }) => path.endsWith('/shareables'));
    expect(post).toMatchObject({
      method: 'POST',
      path: expect.stringContaining(`/${apiVersion}/`),
      body: { [field]: 'https://acme.example/refer' },
    });
  });

  test.each(['', 'http://', 'https://'])('a link that Extole writes with "%s" is one with https://', async (scheme) => {
    const server = await linkStandIn({ shareables: { scheme } });
    const links = openLinks(linkSettings(server));
    const first = await create(links);
    expect(first).toMatchObject({ link: expect.stringMatching(/^https:\/\/share\.acme\.example\/\w+$/) });
    expect(await create(links)).toEqual({ ...first, adopted: true });
  });
});

describe('the person is found', () => {
  test('by partner_user_id alone, where an event has made it known', async () => {
    const server = await linkStandIn();
    const personId = server.links.addPerson({ email: 'bo@example.com', keys: { partner_user_id: '007' } });
    const links = openLinks(linkSettings(server));
    const answer = await create(links, { partnerUserId: '007', columns: {} });
    expect(answer).toMatchObject({ kind: 'accepted', personId });
    expect(await create(links, { partnerUserId: '7', columns: {} })).toMatchObject({
      kind: 'rejected',
      code: 'PERSON_NOT_FOUND',
    });
  });

  test('by e-mail and id that lead to the same person', async () => {
    const server = await linkStandIn();
    const personId = server.links.addPerson({ email: 'ann.lee@example.com', keys: { partner_user_id: '007' } });
    const links = openLinks(linkSettings(server));
    expect(await create(links, { ...ANN, partnerUserId: '007' })).toMatchObject({ kind: 'accepted', personId });
  });

  test('by e-mail, also where nobody has the id yet', async () => {
    const server = await linkStandIn();
    const personId = server.links.addPerson({ email: 'ann.lee@example.com' });
    const links = openLinks(linkSettings(server));
    expect(await create(links, { ...ANN, partnerUserId: '007' })).toMatchObject({ kind: 'accepted', personId });
  });

  test.each([
    [
      'several profiles have the e-mail',
      [{ email: 'ann.lee@example.com' }, { email: 'ann.lee@example.com' }],
      'SEVERAL_PROFILES',
    ],
    [
      'several profiles have the id',
      [{ keys: { partner_user_id: '007' } }, { email: 'bo@example.com', keys: { partner_user_id: '007' } }],
      'SEVERAL_PROFILES',
    ],
    [
      'the e-mail leads to one, the id to another',
      [{ email: 'ann.lee@example.com' }, { email: 'bo@example.com', keys: { partner_user_id: '007' } }],
      'PROFILE_MISMATCH',
    ],
    ['the id has another e-mail', [{ email: 'bo@example.com', keys: { partner_user_id: '007' } }], 'PROFILE_MISMATCH'],
  ])('never by guessing: %s', async (_what, profiles, code) => {
    const server = await linkStandIn();
    const ids = profiles.map((profile) => server.links.addPerson(profile));
    const answer = await create(openLinks(linkSettings(server)), { ...ANN, partnerUserId: '007' });
    expect(answer).toMatchObject({ kind: 'ambiguous', code, personIds: ids });
    expect(JSON.stringify(answer)).not.toContain('example.com');
    expect(server.links.shareables).toEqual([]);
    expect(calls(server).filter((call) => call.startsWith('POST'))).toEqual([]);
  });

  test('a person that somebody else makes in the same moment is adopted', async () => {
    const server = await linkStandIn();
    const links = openLinks(linkSettings(server));
    let personId = '';
    server.links.setFaults(({ method, path }) => {
      if (method === 'POST' && path === '/v5/persons' && personId === '')
        personId = server.links.addPerson({ email: 'ann.lee@example.com' });
      return undefined;
    });
    expect(await create(links)).toMatchObject({ kind: 'accepted', personId });
    expect(calls(server).filter((call) => call === 'POST /v5/persons')).toHaveLength(1);
  });

  test('nobody is made where the settings say so, or without what a person is made by', async () => {
    const server = await linkStandIn();
    const off = openLinks(linkSettings(server, { person: { create: false } }));
    expect(await create(off)).toMatchObject({ kind: 'rejected', code: 'PERSON_NOT_FOUND' });
    const any = await linkStandIn({ identity: 'any', shareables: { withoutEmail: true } });
    const byId = openLinks(linkSettings(any, { person: { identity: 'partner_user_id' } }));
    expect(await create(byId, { partnerUserId: '007', columns: {} })).toMatchObject({ kind: 'accepted' });
  });
});

describe('of several links of a label', () => {
  test('ours is the one with our key, else the oldest', async () => {
    const server = await linkStandIn();
    const personId = server.links.addPerson({ email: 'ann.lee@example.com' });
    const label = 'refer-a-friend';
    server.links.putShareable({ personId, label, code: 'newer', createdAt: 2000 });
    server.links.putShareable({ personId, label, code: 'older', createdAt: 1000 });
    server.links.putShareable({ personId, label: 'other', code: 'oldest', createdAt: 1 });
    const links = openLinks(linkSettings(server));
    expect(await create(links)).toMatchObject({ code: 'older', adopted: true });
    server.links.putShareable({ personId, label, code: 'ours', key: `${label}-${personId}`, createdAt: 3000 });
    expect(await create(links)).toMatchObject({ code: 'ours', adopted: true });
    expect(server.links.shareables).toHaveLength(4);
  });

  test('a label in other letters is the same label', async () => {
    const server = await linkStandIn();
    const personId = server.links.addPerson({ email: 'ann.lee@example.com' });
    const links = openLinks(linkSettings(server, { label: 'Friends' }));
    server.links.putShareable({ personId, label: 'friends', code: 'ours', key: `Friends-${personId}` });
    expect(await create(links)).toMatchObject({ kind: 'accepted', code: 'ours', adopted: true });
  });

  test('more than a page of them are looked through', async () => {
    const server = await linkStandIn();
    const personId = server.links.addPerson({ email: 'ann.lee@example.com' });
    for (let n = 0; n < 450; n += 1)
      server.links.putShareable({ personId, label: 'refer-a-friend', code: `code-${n}`, createdAt: 1000 + n });
    expect(await create(openLinks(linkSettings(server)))).toMatchObject({ code: 'code-0', adopted: true });
  });
});

describe('it says', () => {
  test('how long it takes', async () => {
    const server = await linkStandIn();
    const links = openLinks(linkSettings(server, { requestsPerMinute: 100 }));
    expect(links.estimate(100_000)).toMatchObject({
      requests: { least: 200_000, most: 300_000 },
      text: '100,000 people at 100 requests a minute: 33 h to 50 h',
    });
    expect(links.estimate(20).text).toBe('20 people at 100 requests a minute: less than a minute');
    expect(links.estimate(1_000_000, 2).text).toBe('1,000,000 people at 100 requests a minute: 21 days to 28 days');
  });

  test('and keeps to the pace of the token, which events share, so that no 429 comes', async () => {
    const server = await linkStandIn({}, { requestsPerMinute: 600 });
    const settings = linkSettings(server, { requestsPerMinute: 600 });
    const links = openLinks(settings);
    const { account, token, apiUrl } = settings;
    const shared = { account, token, apiUrl, eventsUrl: apiUrl, requestsPerMinute: 600 };
    const sender = openSender(extoleSettings.parse(shared), 'events');
    const people = Array.from({ length: 6 }, (_, n) => ({ email: `p${n}@example.com`, columns: {} }));
    const started = performance.now();
    const events = Array.from({ length: 6 }, (_, n) => send(sender, row(`K-${n}`)));
    const answers = await Promise.all([...people.map((person) => create(links, person)), ...events]);
    expect(answers.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(server.received).toHaveLength(24);
    expect(server.received.every(({ status }) => status === 200)).toBe(true);
    expect(performance.now() - started).toBeGreaterThan(24 * 100 * 0.98);
  });
});

describe('codes', () => {
  const named = { code: { template: '{first_name}' } };
  const called = (first_name: string, n: number) => ({ email: `p${n}@example.com`, columns: { first_name } });

  test.each(['list', 'text', 'none'] as const)(
    'of people with the same name differ, suggestions as %s',
    async (suggest) => {
      const server = await linkStandIn({ shareables: { suggest } });
      const links = openLinks(linkSettings(server, named));
      const codes: string[] = [];
      for (let n = 0; n < 6; n += 1) {
        const answer = await create(links, called('José', n));
        codes.push(answer.kind === 'accepted' ? answer.code : answer.kind);
      }
      expect(codes[0]).toBe('Jose');
      expect(codes.every((code) => /^Jose\d*$/.test(code))).toBe(true);
      expect(new Set(codes).size).toBe(6);
      expect(server.links.shareables.map(({ code }) => code)).toEqual(codes);
    },
  );

  test('that Extole does not allow are left to Extole, or the person is rejected', async () => {
    const server = await linkStandIn({ shareables: { reservedWords: ['acme'] } });
    const settings = linkSettings(server, named);
    const reserved = await create(openLinks(settings), called('Acmeline', 1));
    expect(reserved).toMatchObject({ kind: 'accepted', code: server.links.shareables[0]?.code });
    expect(await create(openLinks(settings), called('李小龙', 2))).toMatchObject({ kind: 'accepted' });
    const strict = openLinks({ ...settings, code: { template: '{first_name}', tries: 1, fallback: 'reject' } });
    expect(await create(strict, called('Acme', 3))).toMatchObject({
      kind: 'rejected',
      code: 'code_contains_reserved_word',
    });
    expect(await create(strict, called('', 4))).toMatchObject({ kind: 'rejected', code: 'NO_CODE' });
  });

  test('of a promotion are not tried again', async () => {
    const server = await linkStandIn({ shareables: { promotions: new Set(['jose']), suggest: 'none' } });
    const answer = await create(openLinks(linkSettings(server, named)), called('José', 1));
    expect(answer).toMatchObject({ kind: 'accepted', code: 'Jose2' });
  });
});

describe('keys', () => {
  test('of another label are told of, whether Extole refuses them or gives the same link', async () => {
    for (const keys of ['refused', 'same'] as const) {
      const server = await linkStandIn({ shareables: { keys } });
      const settings = linkSettings(server, { key: 'k-{person_id}' });
      await create(openLinks({ ...settings, label: 'spring' }));
      expect(await create(openLinks(settings))).toMatchObject({ kind: 'rejected', code: 'KEY_OF_OTHER_LABEL' });
      expect(server.links.shareables).toHaveLength(1);
    }
  });

  test('whose column is empty are no keys', async () => {
    const server = await linkStandIn();
    const links = openLinks(linkSettings(server, { key: '{person_id}-{branch}' }));
    expect(await create(links)).toMatchObject({ kind: 'rejected', code: 'KEY_INCOMPLETE' });
    expect(server.links.shareables).toEqual([]);
  });
});
