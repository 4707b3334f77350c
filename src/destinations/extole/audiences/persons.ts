import type { Answer } from '../../../model.ts';
import type { Change } from '../../membership-calls.ts';
import { type AudienceWork, troubleOf } from './operation.ts';

/**
 * Changes few members person by person. Those whom Extole does not know, or knows several times, have no answer: a file may make them.
 * Throws the signal's reason only.
 */
export async function changeByPersons(
  changes: readonly Change[],
  work: AudienceWork,
  signal: AbortSignal,
): Promise<Map<Change, Answer>> {
  const answers = new Map<Change, Answer>();
  for (const change of changes) {
    const answer = await changePerson(change, work, signal);
    if (answer) answers.set(change, answer);
    // Whoever could not be reached for so long is not asked once more for each.
    if (answer && answer.kind !== 'accepted') break;
  }
  return answers;
}

const NOT_HERE: ReadonlySet<string> = new Set(['person_not_found', 'person_not_identified']);

async function changePerson(
  { id, add }: Change,
  { audienceId, api }: AudienceWork,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const persons = await api.personsOf(id, signal);
  if (!('found' in persons)) return asNotSent(troubleOf(persons));
  const [personId, ...others] = persons.found;
  if (personId === undefined || personId === '' || others.length > 0) return undefined;
  const said = await (add
    ? api.addPerson(personId, audienceId, signal)
    : api.removePerson(personId, audienceId, signal));
  const accepted: Answer = { kind: 'accepted', proof: { kind: 'person_id', eventId: audienceId, personId }, http: 200 };
  if ('found' in said) return accepted;
  if (!('refused' in said)) return said.answer;
  if (!add && said.refused.code === 'membership_not_found') return accepted;
  return NOT_HERE.has(said.refused.code) ? undefined : troubleOf(said);
}

/** A look that got no answer leaves no doubt: nothing was changed. */
function asNotSent(answer: Answer): Answer {
  if (answer.kind !== 'unknown') return answer;
  return { kind: 'retryable', code: 'LOOKUP_FAILED', reason: answer.reason };
}
