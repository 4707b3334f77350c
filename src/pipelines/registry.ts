import { createExtole } from '../destinations/extole/extole.ts';
import type { Job } from '../jobs/schema.ts';
import type { Ledger } from '../ledger/open.ts';
import { findDestination } from '../ledger/registry.ts';
import type { Io, Lane } from '../model.ts';
import { carriersOf as bulkCarriers } from './export-share-links/bulk/carriers.ts';
import { laneOfLinks, linksDestination } from './export-share-links/destination.ts';
import { howLong } from './export-share-links/how-long.ts';
import type { Carriers } from './files/by-file/carrier.ts';
import { CARRIERS } from './files/by-file/carriers.ts';
import type { RowDestination } from './files/context.ts';
import type { DryRunOptions, Outline } from './files/dry-run.ts';
import { findDelivered, writeSnapshot } from './sync-segment/delivered.ts';
import { outlineSegments } from './sync-segment/outline.ts';
import { segmentsDestination } from './sync-segment/run.ts';

/** Where the rows of a job go. */
export function destinationOf(job: Job, ledger: Ledger, io: Io): RowDestination {
  switch (job.pipeline) {
    case 'deliver-events':
      return createExtole(job.destination.extole, job.delivery, io);
    case 'export-share-links':
      return linksDestination(job, ledger, io);
    case 'sync-segment':
      return segmentsDestination(job, io);
  }
}

/** The lane for a file of so many rows, also before there is a ledger. */
export function laneFor(job: Job, io: Io): (rows: number) => Lane {
  switch (job.pipeline) {
    case 'deliver-events':
      return createExtole(job.destination.extole, job.delivery, io).laneFor;
    case 'export-share-links':
      return () => laneOfLinks(job);
    case 'sync-segment':
      return segmentsDestination(job, io).laneFor;
  }
}

/** How whole files of a job go, and their answers come. */
export function carriersOf(job: Job): Carriers {
  return job.pipeline === 'export-share-links' ? bulkCarriers(job) : CARRIERS;
}

/** What files would change beside their rows; `undefined` where they do not. */
export function outlineOf(job: Job, io: Io): Outline | undefined {
  return job.pipeline === 'sync-segment' ? outlineSegments(job, segmentsDestination(job, io).identity) : undefined;
}

/** Writes what a run would take as a file, where the ledger alone says it; `undefined` where it does not. Nothing is stored. */
export function gatherOf(
  job: Job,
  ctx: Omit<Parameters<typeof writeSnapshot>[0], 'crashPoint' | 'ledger' | 'destinationId'> & {
    ledger: Ledger | undefined;
  },
): DryRunOptions['gather'] {
  const { ledger } = ctx;
  if (job.pipeline !== 'sync-segment' || job.members.from !== 'ledger' || !ledger) return undefined;
  const destinationId = findDestination(ledger, segmentsDestination(job, ctx.io).identity);
  const world = { ...ctx, ledger, destinationId, crashPoint: () => {} };
  return async (folder) => {
    const people = findDelivered(world, job);
    const { path, notices } = await writeSnapshot(world, job, people, folder);
    return path === undefined ? { notices } : { file: { path, name: people.name }, notices };
  };
}

/** How long so many rows of a job take, in words; `undefined` where that is not known beforehand. */
export function takes(job: Job): ((rows: number) => string) | undefined {
  if (job.pipeline !== 'export-share-links' || job.links.bulk !== undefined) return undefined;
  return (rows) => howLong(job, rows).text;
}
