import type { MembershipTarget } from '../../../src/destinations/membership.ts';
import type { Answer } from '../../../src/model.ts';

/** What happens to a call: before, or after the provider has made the changes. */
export type Trouble =
  | 'none'
  | 'refused for now'
  | 'no answer, not done'
  | 'no answer, done'
  | 'half'
  | 'dies before'
  | 'dies after';

/** The process died there. */
export class Dead extends Error {}

/** A provider that keeps a set. `flaps`: changes that nobody wanted at that time. */
export class Provider {
  readonly there = new Set<string>();
  readonly flaps: string[] = [];
  wanted = { in: new Set<string>(), out: new Set<string>() };
  troubles: Trouble[] = [];
  poison = new Set<string>();
  refused = new Set<string>();

  target(): MembershipTarget {
    return {
      maxBatchSize: 3,
      concurrency: 2,
      identity: { provider: 'test', account: 'a', target: 't' },
      idKind: 'userId',
      prepare: async () => ({ targetId: 'L1' }),
      apply: async ({ add, remove }) => {
        const poisoned = [...add, ...remove].some((member) => this.poison.has(member));
        const trouble = this.troubles.shift() ?? (poisoned ? 'half' : 'none');
        if (trouble === 'dies before') throw new Dead();
        const half = (n: number): number => (trouble === 'half' ? Math.floor(n / 2) : n);
        const done = trouble !== 'refused for now' && trouble !== 'no answer, not done';
        const [in_, out] = [add.slice(0, done ? half(add.length) : 0), remove.slice(0, done ? half(remove.length) : 0)];
        for (const member of in_) if (!this.refused.has(member)) this.change(member, true);
        for (const member of out) if (!this.refused.has(member)) this.change(member, false);
        if (trouble === 'dies after') throw new Dead();
        const yes: Answer = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'x' } };
        const no: Answer =
          trouble === 'refused for now'
            ? { kind: 'retryable', code: 'HTTP_429', reason: 'slow down' }
            : { kind: 'unknown', code: 'NO_ANSWER', reason: 'no answer' };
        const never: Answer = { kind: 'rejected', code: 'NEVER', reason: 'not this one' };
        const answer = (member: string, i: number, made: number): Answer => {
          if (trouble.startsWith('no answer') || i >= made || poisoned) return no;
          return this.refused.has(member) ? never : yes;
        };
        return {
          add: add.map((member, i) => answer(member, i, in_.length)),
          remove: remove.map((member, i) => answer(member, i, out.length)),
        };
      },
      close: async () => {},
    };
  }

  private change(member: string, to: boolean): void {
    const unwanted = to ? this.wanted.out : this.wanted.in;
    if (unwanted.has(member)) this.flaps.push(`${to ? 'added' : 'removed'} ${member}`);
    if (to) this.there.add(member);
    else this.there.delete(member);
  }
}
