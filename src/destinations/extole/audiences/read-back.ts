import { type Answer, TransferError } from '../../../model.ts';
import { notReady } from '../../membership-calls.ts';
import { PAGE } from './api.ts';
import { type AudienceWork, troubleOf } from './operation.ts';
import { columnOf } from './settings.ts';

/** The members that Extole has, in pages. Throws `TransferError`, and the signal's reason. */
export async function* membersOf(
  { audienceId, api, settings }: Pick<AudienceWork, 'audienceId' | 'api' | 'settings'>,
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  const seen = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const said = await api.memberPage(audienceId, offset, signal);
    if (!('found' in said))
      throw notReady(`members of audience ${audienceId} could not be read`, troubleOf(said), HINT);
    const [header = [], ...rows] = said.found;
    const wanted = columnOf(settings);
    const at = header.findIndex((name) => alike(name) === alike(wanted) || OTHERS.get(wanted) === alike(name));
    if (at === -1)
      throw new TransferError('BAD_ANSWER', `Extole's list of members has no column ${wanted}: ${header.join(', ')}`, {
        hint: 'check identifyBy and column against the list that My Extole downloads',
      });
    const first = rows[0]?.join() ?? '';
    if (seen.has(first)) {
      const again = `Extole gave the same page of audience ${audienceId} again instead of members from ${offset} on`;
      throw new TransferError('BAD_ANSWER', again, { retryable: true, hint: HINT });
    }
    if (first !== '') seen.add(first);
    const ids = rows.map((row) => row[at]?.trim() ?? '').filter((id) => id !== '');
    if (ids.length > 0) yield settings.identifyBy === 'email' ? ids.map((id) => id.toLowerCase()) : ids;
    if (rows.length < PAGE) return;
  }
}

/** Those of the ids that are no members; an answer where Extole did not say who is. */
export async function missingOf(
  ids: readonly string[],
  work: AudienceWork,
  signal: AbortSignal,
): Promise<Set<string> | Answer> {
  const own = new Map(
    ids.map((id) => [work.settings.identifyBy === 'email' ? id.trim().toLowerCase() : id.trim(), id]),
  );
  try {
    for await (const page of membersOf(work, signal)) for (const id of page) own.delete(id);
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason: error.message };
  }
  return new Set(own.values());
}

const alike = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** What the list calls a column, where it is not what files call it. */
const OTHERS = new Map([['email', 'emailaddress']]);

const HINT = 'check audienceId and the rights of the token';
