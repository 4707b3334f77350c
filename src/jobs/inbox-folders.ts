import { posix } from 'node:path';
import { isMembers } from '../mapping/compile.ts';
import type { Job } from './schema.ts';

/** A folder that files are taken from. `side`: what it says is to be done with them, where it says that. */
export interface InboxFolder {
  folder: string;
  side?: string;
}

/** Of a job, where its files lie, and what its rows are. */
export interface Placed {
  source: { inbox: string };
  event: Job['event'];
}

/** The inbox of a job; or the folders in it that say what becomes of the members of their files, removals first. */
export function inboxFolders({ source: { inbox }, event }: Placed): InboxFolder[] {
  const folders = isMembers(event) ? event.action?.folders : undefined;
  if (!folders) return [{ folder: inbox }];
  return [folders.remove, folders.add].map((side) => ({ folder: posix.join(inbox, side), side }));
}
