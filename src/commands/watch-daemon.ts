import { createMeter } from '../delivery/meter.ts';
import { loadJobs } from '../jobs/load.ts';
import type { Ledger } from '../ledger/open.ts';
import type { Io } from '../model.ts';
import { startListener } from '../receivers/listener.ts';
import type { Settings } from '../settings.ts';
import { version } from './version.ts';

/** A daemon that can be looked at from outside, where the settings say so. */
export interface Watched {
  io: Io;
  /** Where it listens; absent: nowhere. */
  url?: string;
  /** To be called each time the daemon has looked at its schedules. */
  looked: () => void;
  close(): Promise<void>;
}

export async function watch(settings: Settings, ledger: Ledger, io: Io): Promise<Watched> {
  if (settings.listen === undefined) return { io, looked: () => {}, close: async () => {} };
  const meter = createMeter();
  let last: number | undefined;
  const listener = await startListener(settings.listen, {
    ledger,
    meter,
    io,
    version: await version(),
    jobsFolder: settings.jobs,
    jobs: async () => (await loadJobs(settings.jobs, io.env)).jobs.map(({ id }) => id),
    lastLook: () => last,
  });
  return {
    io: { ...io, meter },
    url: listener.url,
    looked: () => {
      last = io.monotonic();
    },
    close: () => listener.close(),
  };
}
