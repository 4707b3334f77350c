import type { Answer } from '../../../model.ts';
import { afterLookingUp } from '../../halt.ts';
import type { Change } from '../../membership-calls.ts';
import type { AudienceWork } from './operation.ts';

/**
 * Changes few members person by person. Those whom Extole does not know, knows several times, or refuses, have no answer: a file may take
 * them, and where it is the audience that is refused, says so.
 * Throws the signal's reason only.
 */
export async function changeByPersons(
  changes: readonly Change[],
  work: AudienceWork,
  signal: AbortSignal,
): Promise<Map<Change, Answer>> {
  const answers = new Map<Change, Answer>();
  const added = new Set<string>();
  for (const change of changes) {
    const answer = await changePerson(change, work, added, signal);
    if (answer) answers.set(change, answer);
    // Whoever could not be reached for so long is not asked once more for each.
    if (answer && answer.kind !== 'accepted') break;
  }
  return answers;
}

async function changePerson(
  { id, add }: Change,
  { audienceId, api }: AudienceWork,
  added: Set<string>,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const persons = await api.personsOf(id, signal);
  if ('refused' in persons) return undefined;
  if ('answer' in persons) return afterLookingUp(persons.answer);
  const [personId, ...others] = persons.found;
  if (personId === undefined || personId === '' || others.length > 0) return undefined;
  const accepted: Answer = { kind: 'accepted', proof: { kind: 'person_id', eventId: audienceId, personId }, http: 200 };
  // Two ids may lead to one person: whoever is to be a member by one of them stays one. Those to be added come first.
  if (!add && added.has(personId)) return accepted;
  const said = await (add
    ? api.addPerson(personId, audienceId, signal)
    : api.removePerson(personId, audienceId, signal));
  if ('found' in said) {
    if (add) added.add(personId);
    return accepted;
  }
  if ('answer' in said) return said.answer;
  return !add && said.refused.code === 'membership_not_found' ? accepted : undefined;
}
