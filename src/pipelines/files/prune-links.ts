import type { Job } from '../../jobs/schema.ts';
import { agedNow } from '../../ledger/clock.ts';
import { countSilentLinks, linkPlaces, removeLinks, silentLinks } from '../../ledger/links.ts';
import { overwriting, oweRewrite } from '../../ledger/overwrite.ts';
import type { PruneOptions } from './prune.ts';

const AT_ONCE = 2000;

/**
 * Links of whose people nothing was heard for as long as every job of their label says. They go from the ledger; at Extole they stay. Each
 * is a person: no copy may stand in the ledger's file.
 */
export async function pruneLinks({ ledger, io, jobs, someBroken, dryRun }: PruneOptions): Promise<{
  links: number;
  kept: string[];
}> {
  const kept: string[] = [];
  let links = 0;
  for (const place of linkPlaces(ledger)) {
    const theirs = jobs.filter((job) => isOf(job, place));
    if (someBroken || theirs.length === 0) {
      const why = someBroken ? 'a job file has errors (referry check)' : 'no job makes them any more';
      kept.push(`links of ${place.account}/${place.container}, label ${place.label}: ${why}`);
      continue;
    }
    const remembered = Math.max(
      ...theirs.map((job) => (job.pipeline === 'export-share-links' ? job.retention.links : 0)),
    );
    const before = agedNow(ledger, io.now()) - remembered;
    if (dryRun) {
      links += countSilentLinks(ledger, place, before);
      continue;
    }
    for (let ids = silentLinks(ledger, place, before, AT_ONCE); ids.length > 0; ) {
      oweRewrite(ledger);
      const some = ids;
      links += await overwriting(ledger, async () => removeLinks(ledger, some));
      await io.sleep(0);
      ids = silentLinks(ledger, place, before, AT_ONCE);
    }
  }
  return { links, kept };
}

function isOf(job: Job, { account, container, label }: ReturnType<typeof linkPlaces>[number]): boolean {
  if (job.pipeline !== 'export-share-links') return false;
  const { extole } = job.destination;
  return extole.account === account && extole.container === container && job.links.label.toLowerCase() === label;
}
