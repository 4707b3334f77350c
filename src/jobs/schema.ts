import * as z from 'zod';
import { deliverEvents } from './deliver-events.ts';
import { exportShareLinks } from './export-share-links.ts';
import { syncSegment } from './sync-segment.ts';

/** A job file, by its pipeline. Once parsed, folders are relative to the folder that holds the inbox, which is then the remote's root. */
export const jobSchema = z.discriminatedUnion('pipeline', [deliverEvents, exportShareLinks, syncSegment]);

/** What a job gets beside what stands in its file. */
interface Loaded {
  id: string;
  /** The job file. */
  path: string;
  /** ISO dates out of the file that `expect.holidays` names. */
  holidays?: readonly string[];
  /** `notify` is that of the file beside the jobs. */
  sharedNotify?: boolean;
}

export type EventsJob = z.output<typeof deliverEvents> & Loaded;
export type LinksJob = z.output<typeof exportShareLinks> & Loaded;
export type SegmentsJob = z.output<typeof syncSegment> & Loaded;

/** A job as the program works with it. */
export type Job = EventsJob | LinksJob | SegmentsJob;
