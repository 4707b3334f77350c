import { afterEach, describe, expect, test } from 'vitest';
import { ANN, calls, closeLinks, create, linkSettings, linkStandIn, openLinks } from './extole-links-setup.ts';

afterEach(closeLinks);

describe('what it says where it goes on no longer', () => {
  test('nothing but lost answers to a link that was asked for: unknown; before that: surely none', async () => {
    const server = await linkStandIn();
    const settings = linkSettings(server, { patience: '100ms' });
    server.links.setFaults(({ path }) => (path.endsWith('/shareables') ? 'resetpre' : undefined));
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'unknown', code: 'NO_ANSWER' });
    server.links.setFaults(({ path }) => (path.startsWith('/v5/persons?') ? 'resetpre' : undefined));
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'retryable', code: 'NO_ANSWER' });
    server.links.setFaults(() => '429');
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'retryable', code: 'THROTTLED' });
    server.links.setFaults(() => '503pre');
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'retryable', code: 'SERVER_ERROR' });
    expect(server.links.shareables).toEqual([]);
  });

  test('a no to a second request is no answer to the first: unknown, and the next run knows', async () => {
    const server = await linkStandIn({ shareables: { showAfterMs: 300 } });
    const settings = linkSettings(server);
    server.links.addPerson({ email: 'ann.lee@example.com' });
    server.links.fail('resetpost', { kind: 'status', status: 400, code: 'invalid_parameter' });
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'unknown', code: 'invalid_parameter' });
    server.links.behaviour.showAfterMs = 0;
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'accepted', adopted: true });
    expect(server.links.shareables).toHaveLength(1);
  });

  test('a profile that is merged into another one in between is looked for again', async () => {
    const server = await linkStandIn();
    const gone = server.links.addPerson({ email: 'ann.lee@example.com' });
    const settings = linkSettings(server);
    server.links.failLooks(
      { kind: 'slow', ms: 0 },
      { kind: 'status', status: 404, code: 'person_not_found', message: 'Person not found' },
    );
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'accepted', personId: gone });
    server.links.setFaults(({ path }) =>
      path.includes('/shareables') ? { kind: 'status', status: 403, code: 'person_not_found' } : undefined,
    );
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'retryable', code: 'person_not_found' });
  });

  test('ids stay as they are written, also where they come as numbers', async () => {
    const server = await linkStandIn();
    const number = (id: string): { kind: 'body'; accept: boolean; body: string } => ({
      kind: 'body',
      accept: false,
      body: id,
    });
    server.links.failLooks(number('[]'));
    server.links.fail(number('{"id":9007199254740993}'));
    const links = openLinks(linkSettings(server, { patience: '10ms' }));
    await create(links);
    server.links.failLooks(number('[{"id":9007199254740995,"identity_key_value":"ann.lee@example.com"}]'));
    await create(links);
    const paths = server.received.map(({ path }) => path).join(' ');
    expect(paths).toContain('/v5/persons/9007199254740993/shareables');
    expect(paths).toContain('/v5/persons/9007199254740995/shareables?');
  });

  test('429 with Retry-After is waited for', async () => {
    const server = await linkStandIn();
    const links = openLinks(linkSettings(server));
    server.links.fail(
      { kind: 'slow', ms: 0 },
      {
        kind: 'status',
        status: 429,
        code: 'too_many_requests',
        headers: { 'retry-after': '1' },
      },
    );
    const started = performance.now();
    expect(await create(links)).toMatchObject({ kind: 'accepted', adopted: false });
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  test('a refused token halts, after it was read again once', async () => {
    const server = await linkStandIn();
    const settings = linkSettings(server);
    server.setTokens(['another-token']);
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'halted', code: 'UNAUTHORIZED', http: 401 });
    expect(server.received).toHaveLength(1);
    const links = openLinks(settings, { refreshToken: () => 'another-token' });
    expect(await create(links)).toMatchObject({ kind: 'accepted' });
  });

  test('what is wrong with the settings halts, and is not said of each person', async () => {
    const server = await linkStandIn({ shareables: { programs: ['https://acme.example/refer'] } });
    const settings = linkSettings(server, { programUrl: 'https://acme.example/other' });
    expect(await create(openLinks(settings))).toMatchObject({
      kind: 'halted',
      code: 'unknown_program',
      reason: expect.stringContaining('check programUrl'),
    });
  });

  test.each(['specification', 'guide'] as const)(
    'codes count, not the status beside them: as the %s has it',
    async (statuses) => {
      const server = await linkStandIn({ shareables: { statuses, blockedHosts: ['bad.example'] } });
      const personId = server.links.addPerson({ keys: { partner_user_id: '007' } });
      const links = openLinks(linkSettings(server, { content: { url: 'https://{host}/' } }));
      const noEmail = await create(links, { partnerUserId: '007', columns: { host: 'ok.example' } });
      expect(noEmail).toMatchObject({ kind: 'rejected', code: 'person_not_rewardable' });
      const blocked = await create(links, { ...ANN, columns: { host: 'bad.example' } });
      expect(blocked).toMatchObject({ kind: 'rejected', code: 'blocked_content_url' });
      expect(server.links.person(personId)).toBeDefined();
    },
  );

  test('what Extole says of a person is kept without the person', async () => {
    const server = await linkStandIn();
    server.links.addPerson({ email: 'ann.lee@example.com' });
    server.links.fail({
      kind: 'status',
      status: 400,
      code: 'invalid_parameter',
      message: 'Ann of ann.lee@example.com (+1 555 010 9999) is not welcome',
    });
    const answer = await create(openLinks(linkSettings(server)));
    expect(answer).toMatchObject({ kind: 'rejected', code: 'invalid_parameter' });
    expect(JSON.stringify(answer)).not.toMatch(/Ann|ann\.lee|555/);
  });

  test('a stopped call throws the reason, and its link is adopted later', async () => {
    const server = await linkStandIn();
    const settings = linkSettings(server);
    server.links.fail({ kind: 'slow', ms: 0 }, 'timeout-post');
    const stopping = new AbortController();
    const stopped = openLinks(settings).create(ANN, stopping.signal);
    await expect.poll(() => server.links.shareables.length).toBe(1);
    stopping.abort(new Error('stop'));
    await expect(stopped).rejects.toThrow('stop');
    expect(await create(openLinks(settings))).toMatchObject({ kind: 'accepted', adopted: true });
    expect(server.links.shareables).toHaveLength(1);
  });

  test('closed, it cuts what is on the wire and asks no more', async () => {
    const server = await linkStandIn();
    const links = openLinks(linkSettings(server));
    server.links.fail({ kind: 'slow', ms: 0 }, 'timeout-pre');
    const answer = create(links);
    await expect.poll(() => calls(server).length).toBe(3);
    await links.close();
    expect(await answer).toMatchObject({ kind: 'unknown', code: 'NO_ANSWER' });
    expect(calls(server)).toHaveLength(3);
  });
});
