import type { Io } from '../../../model.ts';
import { DEFAULT_TIMEOUTS } from '../api.ts';
import { withoutPerson } from '../classify.ts';
import type { ExtoleTimeouts } from '../extole.ts';
import type { LinkAnswer, LinkPerson } from './answers.ts';
import { createCalls } from './calls.ts';
import { type Estimate, estimateFor } from './estimate.ts';
import { linkFor } from './get-or-create.ts';
import { personFor } from './persons.ts';
import type { LinksSettings } from './settings.ts';

/** An opened way to Extole's share links. */
export interface Links {
  /**
   * The person's link for the label of the settings: found, or made. Doing it twice gives the same link, also where the process
   * died or the answer was lost in between. At the pace of the token; several may be under way at once. `retryable`: no link was
   * made. `unknown`: one may have been; the next call finds it. Throws only the signal's reason.
   */
  create(person: LinkPerson, signal: AbortSignal): Promise<LinkAnswer>;
  /** How long it takes for so many people; `lookups` is 2 where they have both an e-mail and an id. */
  estimate(people: number, lookups?: 1 | 2): Estimate;
  /** Cuts what is on the wire. */
  close(): Promise<void>;
}

export interface LinksOptions {
  timeouts?: ExtoleTimeouts;
  refreshToken?: () => string | undefined;
}

/** Many links of one person are listed in one answer. */
const MAX_BODY_BYTES = 1024 * 1024;

export function createLinks(settings: LinksSettings, io: Io, options: LinksOptions = {}): Links {
  const { timeouts = DEFAULT_TIMEOUTS, refreshToken } = options;
  const calls = createCalls(settings, { timeouts, refreshToken, maxBodyBytes: MAX_BODY_BYTES }, io);
  const turns = createTurns();

  async function create(person: LinkPerson, signal: AbortSignal): Promise<LinkAnswer> {
    const attempt = calls.begin(signal);
    for (let tries = 1; ; tries += 1) {
      const found = await personFor(attempt, settings, person);
      if (found.kind !== 'ok') return found;
      const { id } = found.value;
      const step = await turns.one(`id ${id}`, () => linkFor(attempt, settings, found.value, person));
      if (step.kind === 'ok') return { kind: 'accepted', ...step.value };
      // The profile was merged into another one in between.
      if (step.kind !== 'rejected' || step.code !== 'person_not_found') return step;
      if (tries === 2) return { ...step, kind: 'retryable' };
    }
  }

  return {
    async create(person, signal) {
      const { email, partnerUserId, columns } = person;
      const byId = () => turns.one(partnerUserId && `partner ${partnerUserId}`, () => create(person, signal));
      const answer = await turns.one(email && `email ${email}`, byId);
      if (answer.kind === 'accepted' || answer.kind === 'ambiguous') return answer;
      const who = { ...columns, email: email ?? '', partner_user_id: partnerUserId ?? '' };
      const masked = withoutPerson(answer, { data: who });
      return masked.kind === 'accepted' ? answer : masked;
    },
    estimate: (people, lookups = 1) => estimateFor(people, settings.requestsPerMinute, lookups),
    close: () => calls.close(),
  };
}

/** Two rows of the same person go one after the other: both would find nobody, or no link, and make one each. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return {
    async one<T>(id: string | undefined, work: () => Promise<T>): Promise<T> {
      if (!id) return await work();
      const before = last.get(id) ?? Promise.resolve();
      const mine = before.then(work, work);
      last.set(id, mine);
      try {
        return await mine;
      } finally {
        if (last.get(id) === mine) last.delete(id);
      }
    },
  };
}
