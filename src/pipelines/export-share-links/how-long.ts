import { estimateFor } from '../../destinations/extole/links/estimate.ts';
import type { LinksJob } from '../../jobs/schema.ts';
import type { Io } from '../../model.ts';

/** From here on a person should hear of it before anything else. */
const LONG_MS = 3_600_000;

/** How long it takes to make links for so many people, in words. `long`: more than an hour. */
export function howLong(job: Pick<LinksJob, 'links' | 'event'>, people: number): { text: string; long: boolean } {
  const { requestsPerMinute, person } = job.links;
  const both = job.event.email !== undefined && job.event.partnerUserId !== undefined && person.findBy.length === 2;
  const { text, ms } = estimateFor(people, requestsPerMinute, both ? 2 : 1);
  const long = ms.most > LONG_MS;
  const bulk = job.links.bulk === undefined ? '; the bulk path is minutes (links.bulk)' : '';
  return { text: long ? `${text}${bulk}` : text, long };
}

/** To the person who waits, where one does; else to the log. */
export function tellHowLong(
  job: LinksJob,
  people: number,
  { log }: Pick<Io, 'log'>,
  say: ((line: string) => void) | undefined,
): void {
  if (people === 0) return;
  const { text, long } = howLong(job, people);
  if (long && say) say(`${text}. It can be stopped at any time (Ctrl+C), and goes on where it was`);
  else if (long) log.warn({ job: job.id, people }, `${text}. It can be stopped at any time, and goes on where it was`);
  else log.info({ job: job.id, people }, text);
}
