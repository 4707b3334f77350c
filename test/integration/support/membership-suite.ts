import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MembershipAnswers, MembershipTarget, Segment } from '../../../src/destinations/membership.ts';
import type { Fault, FaultName, FaultSource } from '../../../src/sandbox/extole/faults.ts';

/** A provider that keeps members of a segment, to be tried. */
export interface MembershipWorld<Provider> {
  /** Without limits, with a credential of its own, and people 0 to 99 known; ends with the test. */
  standIn(): Promise<{ provider: Provider; secret: string }>;
  /** Patient for 20 s unless the settings say otherwise; closed with the test. */
  targetTo(at: { provider: Provider; secret: string }, settings?: object): MembershipTarget;
  /** What goes wrong from now on, or with the next requests. */
  faults(provider: Provider, source: FaultSource | undefined): void;
  fail(provider: Provider, ...faults: (Fault | FaultName)[]): void;
  requests(provider: Provider): number;
  /** Preparing asks the provider nothing: there is nothing to be made. */
  preparesAlone?: true;
  /** The id of a person whom the provider knows. */
  member(n: number): string;
  /** The members that it has, sorted. */
  stored(provider: Provider): string[];
}

export const NEVER = new AbortController().signal;

export const SEGMENT: Segment = { id: 'lapsed', name: 'Lapsed members', since: Date.UTC(2026, 10, 21) };

const PASSING: readonly FaultName[] = [
  ...(['429', '500pre', '500post', '503pre', 'resetpre', 'resetpost', 'cut-headers', 'cut-body'] as const),
];

export const kinds = ({ add, remove }: MembershipAnswers): string[][] => [
  add.map(({ kind }) => kind),
  remove.map(({ kind }) => kind),
];

const yes = (count: number): string[] => Array<string>(count).fill('accepted');

/** Those after which nobody asks to wait. */
const DOUBTFUL = PASSING.filter((fault) => fault !== '429');

/** What every such provider does: membership is set, told and kept whatever happens on the way. */
export function testMemberships<Provider>(world: MembershipWorld<Provider>): void {
  const { standIn, targetTo, faults, fail, requests, member, stored } = world;
  const ids = (...numbers: number[]): string[] => numbers.map(member).sort();

  test('members are added and removed, and doing all of it again changes nothing', async () => {
    const at = await standIn();
    const target = targetTo(at);
    const prepared = await target.prepare(SEGMENT, NEVER);
    expect(kinds(await target.apply({ add: ids(1, 2, 3), remove: [] }, NEVER))).toEqual([yes(3), []]);
    expect(stored(at.provider)).toEqual(ids(1, 2, 3));
    for (const _ of [1, 2]) {
      expect(await target.prepare(SEGMENT, NEVER)).toMatchObject({ targetId: prepared.targetId });
      expect(kinds(await target.apply({ add: ids(3, 4), remove: ids(1) }, NEVER))).toEqual([yes(2), yes(1)]);
      expect(stored(at.provider)).toEqual(ids(2, 3, 4));
    }
    expect(kinds(await target.apply({ add: [], remove: ids(2, 3, 4, 5) }, NEVER))).toEqual([[], yes(4)]);
    expect(stored(at.provider)).toEqual([]);
  });

  test('another process that prepares with what was known before goes on with the same members', async () => {
    const at = await standIn();
    const first = targetTo(at);
    const { targetId } = await first.prepare(SEGMENT, NEVER);
    await first.apply({ add: ids(1), remove: [] }, NEVER);
    const second = targetTo(at);
    const again = { ...SEGMENT, earlier: { targetId, name: SEGMENT.name } };
    expect((await second.prepare(again, NEVER)).targetId).toBe(targetId);
    expect(kinds(await second.apply({ add: ids(2), remove: ids(1) }, NEVER))).toEqual([yes(1), yes(1)]);
    expect(stored(at.provider)).toEqual(ids(2));
  });

  test.each(PASSING)(
    'H27: trouble that passes (%s) is waited for, while preparing and while changing',
    async (fault) => {
      const at = await standIn();
      const target = targetTo(at);
      fail(at.provider, fault);
      await target.prepare(SEGMENT, NEVER);
      fail(at.provider, fault);
      expect(kinds(await target.apply({ add: ids(1, 2), remove: ids(3) }, NEVER))).toEqual([yes(2), yes(1)]);
      expect(stored(at.provider)).toEqual(ids(1, 2));
    },
  );

  test.each(['429', '503pre', 'resetpost'] as const)(
    'H27: trouble that lasts (%s) ends with patience: nothing is taken for accepted, and it can be sent again',
    async (fault) => {
      const at = await standIn();
      const target = targetTo(at, { patience: '60ms' });
      const { targetId } = await target.prepare(SEGMENT, NEVER);
      faults(at.provider, () => fault);
      const [add = [], remove = []] = kinds(await target.apply({ add: ids(1, 2), remove: ids(3) }, NEVER));
      expect([add.length, remove.length]).toEqual([2, 1]);
      expect([...add, ...remove].filter((kind) => kind !== 'retryable' && kind !== 'unknown')).toEqual([]);
      if (!world.preparesAlone) {
        const prepared = targetTo(at, { patience: '60ms' }).prepare(SEGMENT, NEVER);
        await expect(prepared).rejects.toMatchObject({ retryable: true });
      }
      faults(at.provider, undefined);
      const later = targetTo(at);
      await later.prepare({ ...SEGMENT, earlier: { targetId, name: SEGMENT.name } }, NEVER);
      expect(kinds(await later.apply({ add: ids(1, 2), remove: ids(3) }, NEVER))).toEqual([yes(2), yes(1)]);
      expect(stored(at.provider)).toEqual(ids(1, 2));
    },
  );

  test('whatever goes wrong with calls, members end as they should be once each change has its yes', async () => {
    const step = fc.record({
      add: fc.uniqueArray(fc.nat(11), { maxLength: 8 }),
      remove: fc.uniqueArray(fc.nat(11), { maxLength: 8 }),
      troubles: fc.array(fc.option(fc.constantFrom(...DOUBTFUL), { nil: undefined, freq: 3 }), { maxLength: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        const at = await standIn();
        const target = targetTo(at, { patience: '0s' });
        const wanted = new Set<string>();
        const { targetId } = await target.prepare(SEGMENT, NEVER);
        for (const { add, remove, troubles } of steps) {
          const next = troubles.values();
          faults(at.provider, () => next.next().value);
          let open = { add: ids(...add), remove: ids(...remove.filter((n) => !add.includes(n))) };
          for (const id of open.add) wanted.add(id);
          for (const id of open.remove) wanted.delete(id);
          for (let tries = 0; open.add.length + open.remove.length > 0 && tries < 40; tries += 1) {
            const sent = open;
            const [added = [], removed = []] = kinds(await target.apply(sent, NEVER));
            expect([...added, ...removed].filter((kind) => kind === 'rejected' || kind === 'halted')).toEqual([]);
            open = {
              add: sent.add.filter((_, i) => added[i] !== 'accepted'),
              remove: sent.remove.filter((_, i) => removed[i] !== 'accepted'),
            };
          }
          expect(open).toEqual({ add: [], remove: [] });
          expect(stored(at.provider)).toEqual([...wanted].sort());
        }
        faults(at.provider, undefined);
        const again = { ...SEGMENT, earlier: { targetId, name: SEGMENT.name } };
        expect(await target.prepare(again, NEVER)).toMatchObject({ targetId });
      }),
      { numRuns: 6, seed: 20_261_121 },
    );
  });

  test.each([
    [401, 'UNAUTHORIZED'],
    [402, 'PAYMENT_REQUIRED'],
    [403, 'FORBIDDEN'],
  ] as const)(
    'a %d stops the target with %s, without a second call or a word of the credential',
    async (status, code) => {
      const at = await standIn();
      const target = targetTo(at);
      await target.prepare(SEGMENT, NEVER);
      const before = requests(at.provider);
      const body = JSON.stringify({ message: `not for ${at.secret}`, msg: `not for ${at.secret}` });
      fail(at.provider, { kind: 'status', status, body });
      const answers = await target.apply({ add: ids(1, 2), remove: ids(3) }, NEVER);
      const halted = { kind: 'halted', code };
      expect(answers).toMatchObject({ add: [halted, halted], remove: [halted] });
      expect(requests(at.provider)).toBe(before + 1);
      expect(stored(at.provider)).toEqual([]);
      expect(JSON.stringify(answers)).not.toContain(at.secret);
      if (world.preparesAlone) return;
      fail(at.provider, { kind: 'status', status, body });
      const refused = await targetTo(at)
        .prepare(SEGMENT, NEVER)
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code, retryable: false });
      expect(String(refused)).not.toContain(at.secret);
    },
  );

  test('a yes that comes from something in between is not taken for one', async () => {
    const at = await standIn();
    const target = targetTo(at, { patience: '0s' });
    await target.prepare(SEGMENT, NEVER);
    for (const fault of ['html-pre', 'empty-body', 'empty-object', 'badjson-pre'] as const) {
      fail(at.provider, fault);
      const { add } = await target.apply({ add: ids(1), remove: [] }, NEVER);
      expect(['unknown', 'retryable', 'halted']).toContain(add[0]?.kind);
      expect(stored(at.provider)).toEqual([]);
    }
  });

  test('a stop is thrown while a call is on the wire and before one', async () => {
    const at = await standIn();
    const target = targetTo(at);
    await target.prepare(SEGMENT, NEVER);
    faults(at.provider, () => 'timeout-pre');
    const before = requests(at.provider);
    const stop = new AbortController();
    const stopped = target.apply({ add: ids(1), remove: [] }, stop.signal);
    await expect.poll(() => requests(at.provider)).toBe(before + 1);
    stop.abort(new Error('stopped by the operator'));
    await expect(stopped).rejects.toThrow('stopped by the operator');
    await expect(target.apply({ add: ids(1), remove: [] }, stop.signal)).rejects.toThrow('stopped by the operator');
  });
}
