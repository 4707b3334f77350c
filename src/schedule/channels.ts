import type { Job } from '../jobs/schema.ts';
import { type ChannelSettings, nameOf } from '../notices/settings.ts';

/** A channel as the ledger knows it: it keeps its key when its URL or password is changed. */
export interface KeyedChannel {
  key: string;
  settings: ChannelSettings;
}

/** The channels of a job. Those out of notify.yaml are the same for all jobs, and share their limit. */
export function channelsOf(job: Pick<Job, 'id' | 'notify' | 'sharedNotify'>): KeyedChannel[] {
  const place = job.sharedNotify ? '' : job.id;
  return (job.notify ?? []).map((settings) => ({ key: `${place}/${nameOf(settings)}`, settings }));
}

/** Every channel once, by its key. */
export function allChannels(jobs: readonly Job[]): Map<string, ChannelSettings> {
  return new Map(jobs.flatMap(channelsOf).map(({ key, settings }) => [key, settings]));
}
