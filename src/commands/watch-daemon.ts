import { createMeter } from '../delivery/meter.ts';
import { loadJobs } from '../jobs/load.ts';
import type { Ledger } from '../ledger/open.ts';
import type { Io } from '../model.ts';
import { createCommits } from '../receivers/commits.ts';
import { addHealthPages } from '../receivers/health-pages.ts';
import { createHooks } from '../receivers/hooks.ts';
import { type Listener, type ListenerOptions, startListener } from '../receivers/listener.ts';
import { createTally } from '../receivers/tally.ts';
import { addWebhooks } from '../receivers/webhooks.ts';
import type { Settings } from '../settings.ts';
import { version } from './version.ts';

/** A daemon that can be looked at from outside, and that takes what providers post, where the settings say so. */
export interface Watched {
  io: Io;
  /** Where it listens, and for what; empty: nowhere. */
  urls: { listening?: string; receiving?: string };
  /** Aborted, with the problem, where the ledger must not be written to any more. */
  unwritable: AbortSignal;
  /** To be called each time the daemon has looked at its schedules. */
  looked: () => void;
  close(): Promise<void>;
}

export async function watch(settings: Settings, ledger: Ledger, io: Io): Promise<Watched> {
  const { listen, receive } = settings;
  const unwritable = new AbortController();
  const nothing = { io, urls: {}, unwritable: unwritable.signal, looked: () => {}, close: async () => {} };
  if (listen === undefined && receive === undefined) return nothing;
  const meter = createMeter();
  const tally = createTally();
  const commits = createCommits(ledger, io, (problem) => unwritable.abort(problem));
  let last: number | undefined;
  const health = {
    ...{ ledger, meter, io, tally, version: await version(), jobsFolder: settings.jobs, lastLook: () => last },
    jobs: async () => (await loadJobs(settings.jobs, io.env)).jobs.map(({ id }) => id),
  };
  const hookOf = createHooks({ ledger, io, jobsFolder: settings.jobs });
  const healthPages: ListenerOptions['pages'][number] = (app) => addHealthPages(app, health);
  const webhooks: ListenerOptions['pages'][number] = (app) => addWebhooks(app, { io, commits, tally, hookOf });

  const opened: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((each) => each.close()));
    await commits.close();
  };
  const open = async (...args: Parameters<typeof startListener>): Promise<string> => {
    const listener = await startListener(...args);
    opened.push(listener);
    return listener.url;
  };
  const urls: Watched['urls'] = {};
  try {
    if (listen !== undefined) {
      const pages = receive === undefined ? [healthPages, webhooks] : [healthPages];
      urls.listening = await open(listen, { io, pages, setting: 'REFERRY_LISTEN or --listen' });
    }
    if (receive !== undefined)
      urls.receiving = await open(receive, { io, pages: [webhooks], setting: 'REFERRY_RECEIVE' });
  } catch (error) {
    await close();
    throw error;
  }
  const looked = (): void => {
    last = io.monotonic();
  };
  return { io: { ...io, meter }, urls, unwritable: unwritable.signal, looked, close };
}
