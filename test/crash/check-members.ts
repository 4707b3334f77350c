import { readFileSync } from 'node:fs';
import { checkFiles } from './check-end.ts';
import { complain, type History } from './history.ts';
import { foretellMembers } from './oracle-members.ts';
import type { Sight } from './partners.ts';
import type { CrashWorld } from './world.ts';

export interface MembersEnd {
  history: History;
  results: Sight;
  reports: Sight;
}

/** A change of one member that the target took. */
interface Operation {
  segment: string;
  member: string;
  action: 'add' | 'remove';
}

/** So many operations were taken when a file was through. */
export type Marks = readonly number[];

/** Everything that a target took of changes, in order, read from its own log. */
export function operationsAt({ servers }: CrashWorld): Operation[] {
  const lines = readFileSync(`${servers.extole.log}.cohorts`, 'utf8').split('\n').filter(Boolean);
  return lines.flatMap((line) => {
    const { accepted, body } = JSON.parse(line);
    if (!accepted || !Array.isArray(body?.cohort_changes)) return [];
    return body.cohort_changes.flatMap(
      ({ user_ids: users = [], should_remove: remove = false }: { user_ids?: string[]; should_remove?: boolean }) =>
        users.map((member) => ({ segment: body.cohort_id, member, action: remove ? 'remove' : 'add' })),
    );
  });
}

/** What must hold once all files are through; of facts on disk, and of what the target has and was told. */
export async function checkMembers(
  { history, results, reports }: MembersEnd,
  segments: readonly string[],
  marks: Marks,
): Promise<void> {
  const { world, files } = history;
  const told = foretellMembers(
    files.map(({ file }) => file),
    segments,
  );
  if (!checkFiles(history, told.files, results, reports)) return;
  const found = new Set(Object.keys(await world.servers.stored('cohorts')));
  const wanted = new Set(
    [...(told.after.at(-1) ?? [])].flatMap(([segment, its]) => [...its].map((id) => `${segment} ${id}`)),
  );
  for (const each of wanted)
    if (!found.has(each)) complain(history, 'lost', 'I1', `the target should have ${each}, and has not`);
  for (const each of found)
    if (!wanted.has(each)) complain(history, 'phantom', 'I2', `the target has ${each}, and should not`);
  checkFlapping(history, told.after, marks);
}

/** Nobody is added or removed but by a file that says so: whoever stays is left alone, however often a process dies. */
function checkFlapping(
  history: History,
  after: readonly ReadonlyMap<string, ReadonlySet<string>>[],
  marks: Marks,
): void {
  const operations = operationsAt(history.world);
  for (const [i, now] of after.entries()) {
    for (const { segment, member, action } of operations.slice(marks[i - 1] ?? 0, marks[i])) {
      const [was, is] = [after[i - 1]?.get(segment)?.has(member) ?? false, now.get(segment)?.has(member) ?? false];
      if ((action === 'add' && is && !was) || (action === 'remove' && was && !is)) continue;
      complain(
        history,
        'phantom',
        'I2',
        `${segment} ${member}: ${action}, by a file in which it was ${was} and is ${is}`,
      );
    }
  }
}
