import type { Answer, Io } from '../../../model.ts';
import { findOrMake } from '../../find-or-make.ts';
import { notSentAfter } from '../../jobs.ts';
import type { MembershipTarget, Segment } from '../../membership.ts';
import { asAnswers, asList, type Change, notReady } from '../../membership-calls.ts';
import { withoutValues } from '../../words.ts';
import { createAudienceApi, PAGE, type Said } from './api.ts';
import { LOST } from './member-file.ts';
import { type AudienceWork, changeByFiles, troubleOf } from './operation.ts';
import { changeByPersons } from './persons.ts';
import { membersOf } from './read-back.ts';
import type { AudienceApiSettings } from './settings.ts';

const HINT = 'make the audience in My Extole and set audienceId, or check the rights of the token';

/** An audience, by Extole's API: few changes person by person, many as a file that one operation reads. An audience keeps its name. */
export function createAudience(settings: AudienceApiSettings, io: Io): MembershipTarget {
  const api = createAudienceApi(settings, io);
  const work: AudienceWork = { audienceId: settings.audienceId ?? '', api, settings, io };

  /** Of several of the name the oldest, which is the first of the list. */
  async function byName(
    name: string,
    signal: AbortSignal,
  ): Promise<{ found: string | undefined } | { answer: Answer }> {
    const seen = new Set<string>();
    for (let offset = 0; ; offset += PAGE) {
      const said = await api.audiences(offset, signal);
      if (!('found' in said)) return { answer: troubleOf(said) };
      const [first] = said.found;
      if (first && seen.has(first.id)) return { answer: SAME_PAGE };
      if (first) seen.add(first.id);
      const found = said.found.find((one) => one.name === name)?.id;
      if (found !== undefined || said.found.length < PAGE) return { found };
    }
  }

  async function idOf({ name, earlier }: Segment, signal: AbortSignal): Promise<string> {
    const known = settings.audienceId ?? earlier?.targetId;
    if (known !== undefined) return known;
    return await findOrMake(
      {
        find: () => byName(name, signal),
        async make() {
          const said = await api.make(name, signal);
          return 'found' in said ? said : { answer: troubleOf(said) };
        },
        what: `the audience "${name}"`,
        hint: HINT,
      },
      settings,
      io,
      signal,
    );
  }

  async function changed(changes: readonly Change[], signal: AbortSignal): Promise<Answer[]> {
    const few = changes.length <= settings.personsUpTo ? changes : [];
    const answers = await changeByPersons(few, work, signal);
    const stop = [...answers.values()].find(({ kind }) => kind !== 'accepted');
    const left = changes.filter((change) => !answers.has(change));
    if (stop) for (const change of left) answers.set(change, notSentAfter(stop));
    else if (left.length > 0) {
      const byFile = await changeByFiles(left, work, signal);
      for (const [i, change] of left.entries()) answers.set(change, byFile[i] ?? LOST);
    }
    return changes.map((change) => withoutValues(answers.get(change) ?? LOST, [change.id]));
  }

  return {
    maxBatchSize: settings.membersPerFile,
    identity: { provider: 'extole', account: settings.account, target: `audience ${settings.audienceId ?? ''}`.trim() },
    idKind: settings.identifyBy,
    async prepare(segment, signal) {
      work.audienceId = await idOf(segment, signal);
      const counted: Said<number> = await api.memberCount(work.audienceId, signal);
      if ('found' in counted) return { targetId: work.audienceId, members: counted.found };
      throw notReady(`audience ${work.audienceId} could not be read`, troubleOf(counted), HINT);
    },
    async apply(changes, signal) {
      signal.throwIfAborted();
      return asAnswers(await changed(asList(changes), signal), changes);
    },
    members: (signal) => membersOf(work, signal),
    close: () => api.close(),
  };
}

const SAME_PAGE: Answer = {
  kind: 'unknown',
  code: 'BAD_ANSWER',
  reason: 'Extole gives the same page of audiences again and again',
};
