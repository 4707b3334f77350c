import { expect, test } from 'vitest';
import type { Profile, ProfileSender } from '../../../src/destinations/profile.ts';
import type { Answer } from '../../../src/model.ts';
import type { FaultName, FaultSource } from '../../../src/sandbox/extole/faults.ts';
import type { Received } from '../../../src/sandbox/extole/received.ts';
import type { StandIn } from '../../../src/sandbox/stand-in.ts';

/** A provider to be tried: one that answers each call at once, or one that takes jobs and is asked about them later. */
export interface ProfileWorld<Provider extends StandIn> {
  /** Without limits, with a credential of its own; ends with the test. */
  standIn(options?: { faults?: FaultSource }): Promise<{ provider: Provider; secret: string }>;
  /** Patient for 20 s unless the settings say otherwise; closed with the test. */
  senderTo(at: { provider: Provider; secret: string }, settings?: object): ProfileSender;
  /** The setting with the most profiles in a call. */
  perCall: string;
  person(n: number): Profile;
  /** How many persons the provider knows. */
  stored(provider: Provider): number;
  /** The calls with profiles in them; default all. */
  handedIn?(provider: Provider): readonly Received[];
}

const NEVER = new AbortController().signal;

const PASSING: readonly FaultName[] = [
  ...(['429', '500pre', '500post', '503pre', 'resetpre', 'resetpost', 'cut-headers', 'cut-body'] as const),
];

const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);

/** What every such provider does when calls go wrong. */
export function testProfileTrouble<Provider extends StandIn>(world: ProfileWorld<Provider>): void {
  const { standIn, senderTo, perCall, person, stored, handedIn = ({ received }) => received } = world;
  const people = (count: number): Profile[] => Array.from({ length: count }, (_, n) => person(n));

  test.each(PASSING)('trouble that passes (%s) is waited for, and every profile is stored', async (fault) => {
    const at = await standIn();
    at.provider.fail(fault);
    expect(kinds(await senderTo(at).send(people(3), NEVER))).toEqual(Array(3).fill('accepted'));
    expect(stored(at.provider)).toBe(3);
    expect(handedIn(at.provider)).toHaveLength(2);
  });

  test.each([
    ['429', 'retryable', 'THROTTLED'],
    ['503pre', 'unknown', 'SERVER_ERROR'],
    ['resetpost', 'unknown', 'NO_ANSWER'],
  ] as const)(
    'trouble that lasts (%s) ends with patience: %s %s, and the rest is not sent',
    async (fault, kind, code) => {
      const at = await standIn({ faults: () => fault });
      const answers = await senderTo(at, { patience: '60ms', [perCall]: 2 }).send(people(4), NEVER);
      expect(answers.slice(0, 2)).toMatchObject(Array(2).fill({ kind, code }));
      expect(answers.slice(2)).toMatchObject(Array(2).fill({ kind: 'retryable', code: 'NOT_SENT' }));
      const first = JSON.stringify(handedIn(at.provider)[0]?.body);
      expect(handedIn(at.provider).every(({ body }) => JSON.stringify(body) === first)).toBe(true);
    },
  );

  test.each([
    [401, 'UNAUTHORIZED'],
    [402, 'PAYMENT_REQUIRED'],
    [403, 'FORBIDDEN'],
    [404, 'MISROUTED'],
    [204, 'MISROUTED'],
    [302, 'MISROUTED'],
    [415, 'UNSUPPORTED_MEDIA_TYPE'],
    [418, 'UNEXPECTED_STATUS'],
  ] as const)(
    'a %d stops the destination with %s, without a second call or a word of the credential',
    async (status, code) => {
      const at = await standIn();
      const body =
        status === 204 ? '' : JSON.stringify({ message: `not for ${at.secret}`, msg: `not for ${at.secret}` });
      at.provider.fail({ kind: 'status', status, body });
      const answers = await senderTo(at, { [perCall]: 1 }).send(people(2), NEVER);
      expect(answers).toMatchObject(Array(2).fill({ kind: 'halted', code }));
      expect(handedIn(at.provider)).toHaveLength(1);
      expect(stored(at.provider)).toBe(0);
      expect(JSON.stringify(answers)).not.toContain(at.secret);
    },
  );

  test('a yes that comes from something in between is not taken for one', async () => {
    const at = await standIn();
    for (const fault of ['html-pre', 'empty-body', 'empty-object', 'badjson-pre'] as const) {
      at.provider.fail(fault);
      expect(await senderTo(at).send(people(1), NEVER)).toMatchObject([{ kind: 'unknown', code: 'BAD_ANSWER' }]);
    }
  });

  test('a stop is thrown while a call is on the wire and before one; closing answers what is on the wire', async () => {
    const at = await standIn({ faults: () => 'timeout-pre' });
    const sender = senderTo(at);
    const stop = new AbortController();
    const stopped = sender.send(people(2), stop.signal);
    await expect.poll(() => handedIn(at.provider).length).toBe(1);
    stop.abort(new Error('stopped by the operator'));
    await expect(stopped).rejects.toThrow('stopped by the operator');
    await expect(sender.send(people(1), stop.signal)).rejects.toThrow('stopped by the operator');
    const waiting = sender.send(people(1), NEVER);
    await expect.poll(() => handedIn(at.provider).length).toBe(2);
    await sender.close();
    expect(await waiting).toMatchObject([{ kind: 'unknown', code: 'NO_ANSWER' }]);
    expect(await sender.send(people(1), NEVER)).toMatchObject([{ kind: 'retryable', code: 'NOT_SENT' }]);
    expect(handedIn(at.provider)).toHaveLength(2);
  });

  test('a server that is not there is tried again until patience ends', async () => {
    const at = await standIn();
    await at.provider.stop();
    const answers = await senderTo(at, { patience: '60ms' }).send(people(1), NEVER);
    expect(answers).toMatchObject([{ kind: 'retryable', code: 'NOT_SENT' }]);
  });
}
