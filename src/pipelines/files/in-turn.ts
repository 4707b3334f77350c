import type { Job } from '../../jobs/schema.ts';
import { isMembers } from '../../mapping/compile.ts';
import { eventNames } from '../../mapping/event-name.ts';
import type { Notice, RemoteFile } from '../../model.ts';
import { shown } from '../../remotes/names.ts';
import { inOrder } from './inbox.ts';

/**
 * The files that may be taken, oldest first. Of changes of members, none is that is younger than one of the same segment which is not there as a
 * whole yet: taken before it, it would be undone by what it was to undo.
 */
export function inTurn(
  job: Job,
  ready: readonly RemoteFile[],
  awaited: readonly RemoteFile[],
): { files: RemoteFile[]; notices: Notice[] } {
  const { event } = job;
  if (!isMembers(event) || event.kind !== 'changes' || awaited.length === 0)
    return { files: inOrder(job, ready), notices: [] };
  const files: RemoteFile[] = [];
  const behind = new Map<string, RemoteFile[]>();
  const late = new Map<string, RemoteFile>();
  for (const file of inOrder(job, [...ready, ...awaited])) {
    const segments = eventNames(event, file.name);
    const before = segments.flatMap((segment) => late.get(segment) ?? [])[0];
    if (!before && !awaited.includes(file)) {
      files.push(file);
      continue;
    }
    for (const segment of segments) if (!late.has(segment)) late.set(segment, before ?? file);
    if (before && !awaited.includes(file)) behind.set(before.name, [...(behind.get(before.name) ?? []), file]);
  }
  return { files, notices: [...behind].map(([name, its]) => waiting(name, its)) };
}

function waiting(name: string, [first, ...more]: readonly RemoteFile[]): Notice {
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  const message = `${shown(first?.name ?? '')}${others} wait${more.length === 0 ? 's' : ''} for ${shown(name)}, which is older and not there as a whole yet: changes of a segment go in order`;
  return { code: 'FILE_BEFORE_AWAITED', message };
}
