import { nameOfPush, placeOfPush } from '../../../jobs/push-targets.ts';
import type { Job } from '../../../jobs/schema.ts';
import { countGivenUp, FAILED_TOO_LONG, type GivenUpAt, sendGivenUpAgain } from '../../../ledger/push-again.ts';
import type { DecisionRequest, PlanContext, PlannedFile } from './planned.ts';

/** Profiles that a retry sends again: those that pushes of the job have given up. */
interface GivenUpProfiles {
  rows: number;
  files: PlannedFile[];
  /** Inside the caller's transaction. */
  sendAgain(): void;
}

/** They belong to no file, and have one code. */
export function givenUpProfiles({ ledger }: PlanContext, request: DecisionRequest, job: Job): GivenUpProfiles {
  const { processingId, code = FAILED_TOO_LONG, since } = request;
  const asked = processingId === undefined && code === FAILED_TOO_LONG;
  if (job.pipeline !== 'export-share-links' || !asked) return { rows: 0, files: [], sendAgain: () => {} };
  const { account, container } = job.destination.extole;
  const links = { place: { provider: 'extole', account, container }, label: job.links.label };
  const found = job.push
    .map((target): GivenUpAt => {
      return { job: job.id, target: nameOfPush(target), place: placeOfPush(target), links, since };
    })
    .map((at) => ({ at, rows: countGivenUp(ledger, at) }))
    .filter(({ rows }) => rows > 0);
  return {
    rows: found.reduce((sum, { rows }) => sum + rows, 0),
    files: found.map(({ at: { target }, rows }) => ({
      ...{ processing: 0, export: `push ${target}`, name: `profiles at ${target}`, rows },
      because: `rejected ${FAILED_TOO_LONG}`,
    })),
    sendAgain: () => {
      for (const { at } of found) sendGivenUpAgain(ledger, at);
    },
  };
}
