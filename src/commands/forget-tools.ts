import { loadJobs } from '../jobs/load.ts';
import { accountOf } from '../jobs/member-targets.ts';
import { nameOfPush } from '../jobs/push-targets.ts';
import type { SegmentsJob } from '../jobs/schema.ts';
import type { Io } from '../model.ts';
import type { Settings } from '../settings.ts';

/**
 * Where the share link of a person, and who is in a segment, may have gone that nobody here can look into: tools, and folders of servers. For
 * people. Folders of this machine are searched.
 */
export async function toolsWithLinks(settings: Pick<Settings, 'jobs'>, io: Pick<Io, 'env'>): Promise<string[]> {
  const { jobs } = await loadJobs(settings.jobs, io.env);
  const lines = jobs.flatMap((job) => {
    if (job.pipeline === 'sync-segment') return segmentsOf(job);
    if (job.pipeline !== 'export-share-links') return [];
    const pushed = job.push.flatMap((target) => {
      const name = nameOfPush(target);
      const profile = `${name}, account ${target.account}: the profile and its share link`;
      const results = `${job.source.url}: push-${name}-*.results.csv in ${job.report.to}`;
      return isLocal(job.source.url) ? [profile] : [profile, results];
    });
    const exported = job.exports.flatMap((target) => {
      const { to } = target;
      if (to !== undefined) return isLocal(to.url) ? [] : [`${to.url}: files of share links`];
      return 'hubspot' in target ? [`hubspot, account ${target.hubspot?.account}: the contact and its share link`] : [];
    });
    return [...pushed, ...exported];
  });
  return [...new Set(lines)];
}

/** No later sync removes whom the ledger no longer knows as a member. */
function segmentsOf({ target, segments }: SegmentsJob): string[] {
  if (target.files && isLocal(target.files.to.url)) return [];
  const outbox = target.files?.to.url ?? target.extoleFiles?.sftp.url;
  const [tool = ''] = Object.entries(target).flatMap(([name, one]) => (one === undefined ? [] : [name]));
  const where = outbox ?? `${tool}, account ${accountOf(target)}`;
  return Object.values(segments).map((name) => `${where}: the person as a member of "${name}"`);
}

const isLocal = (url: string): boolean => url.startsWith('file:');
