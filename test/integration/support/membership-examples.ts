import { expect, test } from 'vitest';
import type { MembershipExchange, MembershipTarget, PreparedTarget } from '../../../src/destinations/membership.ts';
import { createLog, realIo } from '../../../src/io.ts';
import type { Io } from '../../../src/model.ts';
import { pathFor, playReplies } from './profile-examples.ts';

/** Opens the target for an example; `at` as in `OpenForExample`. */
export type OpenTarget = (settings: unknown, at: (url: string) => string, io: Io) => MembershipTarget;

/** One test for each example: its calls in order, those of `prepare` first, and its answers. */
export function testMembershipExamples(examples: readonly MembershipExchange[], open: OpenTarget): void {
  test('worked examples have titles of their own, and an answer for each change', () => {
    expect(new Set(examples.map(({ title }) => title)).size).toBe(examples.length);
    const short = examples.filter(
      ({ changes: { add, remove }, answers }) =>
        add.length !== answers.add.length || remove.length !== answers.remove.length,
    );
    expect(short).toEqual([]);
  });

  test.each(examples.map((example) => [example.title, example] as const))('worked example: %s', async (_, example) => {
    const io: Io = { ...realIo(createLog('silent')), random: () => 0.5 };
    const done: { prepared?: PreparedTarget; answers?: unknown } = {};
    const calls = await playReplies(example.calls, async (at) => {
      const target = open(example.settings, at, io);
      try {
        const { signal } = new AbortController();
        done.prepared = await target.prepare(example.segment, signal);
        done.answers = await target.apply(example.changes, signal);
      } finally {
        await target.close();
      }
    });
    expect(calls.map(({ method, path, body }) => ({ method, path, body }))).toEqual(
      example.calls.map(({ request: { method, url, body } }) => ({ method, path: pathFor(url), body })),
    );
    for (const [i, { request }] of example.calls.entries()) {
      const named = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]);
      expect(calls[i]?.headers).toMatchObject(Object.fromEntries(named));
    }
    expect(done).toEqual({ prepared: example.prepared, answers: example.answers });
  });
}
