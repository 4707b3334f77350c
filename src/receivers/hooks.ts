import { loadJobs } from '../jobs/load.ts';
import type { Job, LinksJob } from '../jobs/schema.ts';
import { awaitedEventNames } from '../ledger/awaited-events.ts';
import type { Ledger } from '../ledger/open.ts';
import { labelOfEvent, linkEventName } from '../mapping/customer-settings.ts';
import type { DestinationIdentity, Io } from '../model.ts';
import { shared } from './health-pages.ts';
import { type Hook, linkHook, pageHook } from './hook.ts';
import type { WebhookOptions } from './webhooks.ts';

export interface HooksOptions {
  ledger: Ledger;
  io: Io;
  /** Folder of the job files. */
  jobsFolder: string;
}

/** Job files are read anew for posts, but not for each: a key that was changed is good so much later at most. */
const READ_EVERY_MS = 5000;

/** The places that job files open, by the id of the job. */
export function createHooks({ ledger, io, jobsFolder }: HooksOptions): WebhookOptions['hookOf'] {
  let hooks = new Map<string, Hook>();
  let unclear = false;
  let readAt: number | undefined;
  const read = shared(async () => {
    const { jobs, problems } = await loadJobs(jobsFolder, io.env);
    hooks = hooksOf(jobs, ledger, io);
    unclear = problems.some(({ severity }) => severity === 'error');
    readAt = io.monotonic();
  });
  return async (job) => {
    if (readAt === undefined || io.monotonic() - readAt > READ_EVERY_MS) await read();
    return hooks.get(job) ?? (unclear ? 'unclear' : 'unknown');
  };
}

function hooksOf(jobs: readonly Job[], ledger: Ledger, io: Io): Map<string, Hook> {
  const hooks = new Map<string, Hook>();
  const ofLinks = jobs.filter((job) => job.pipeline === 'export-share-links');
  const known = new Map<string, readonly string[]>();
  const labelsAt = (to: DestinationIdentity): readonly string[] => {
    const place = JSON.stringify([to.account, to.container]);
    const labels = known.get(place) ?? [...labelsOf(ofLinks, to), ...awaitedLabels(ledger, to)];
    known.set(place, labels);
    return labels;
  };
  for (const { id, receive, links, destination } of ofLinks) {
    if (receive === undefined) continue;
    const { account, container } = destination.extole;
    const to = { provider: 'extole', account, container };
    hooks.set(
      id,
      linkHook({ ledger, io, job: id, receive, destination: to, label: links.label, labels: labelsAt(to) }),
    );
  }
  for (const job of jobs)
    if (job.pipeline === 'sync-segment' && job.receive !== undefined)
      hooks.set(job.id, pageHook({ ledger, io, job: job.id, receive: job.receive }));
  return hooks;
}

function labelsOf(jobs: readonly LinksJob[], { account, container }: DestinationIdentity): string[] {
  return jobs
    .filter(({ destination: { extole } }) => extole.account === account && extole.container === container)
    .map(({ links }) => links.label);
}

/** An upload waits for links of the label under which it left, whatever the job says by now. */
function awaitedLabels(ledger: Ledger, to: DestinationIdentity): string[] {
  return awaitedEventNames(ledger, to)
    .filter((name) => name.startsWith(linkEventName('')))
    .map(labelOfEvent);
}
