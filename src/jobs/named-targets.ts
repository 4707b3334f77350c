import type { NamedTargets } from '../ledger/target-states.ts';
import { nameOfExport } from './export-targets.ts';
import { nameOfPush, placeOfPush } from './push-targets.ts';
import type { Job } from './schema.ts';

/** The targets that a job file names by now: what the ledger knows of others is past. */
export function namedTargets(job: Job): NamedTargets {
  if (job.pipeline !== 'export-share-links') return { exports: [], pushes: [] };
  const { account, container } = job.destination.extole;
  return {
    exports: job.exports.map(nameOfExport),
    pushes: job.push.map((target) => ({ target: nameOfPush(target), place: placeOfPush(target) })),
    links: { place: { provider: 'extole', account, container }, label: job.links.label },
  };
}
