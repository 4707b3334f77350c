import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Point } from './trend.ts';

/** What is measured of the daemon, each with its times. */
export interface Samples {
  rssMb: Point[];
  heapMb: Point[];
  externalMb: Point[];
  handles: Point[];
  threads: Point[];
  /** Pages of the ledger that hold something, in bytes, by the rows that it holds. */
  ledger: { at: number; rows: number; bytes: number }[];
  walMb: Point[];
}

export interface Sampler {
  samples: Samples;
  take(): Promise<void>;
  /** What the open handles are of, with how many there are of each. */
  handles(): Record<string, number>;
}

/** Looks at a process from outside: /proc, its metrics, and its ledger through a connection of our own. */
export function createSampler(pid: number, metricsUrl: string, ledger: string, seconds: () => number): Sampler {
  const samples: Samples = {
    rssMb: [],
    heapMb: [],
    externalMb: [],
    handles: [],
    threads: [],
    ledger: [],
    walMb: [],
  };
  return {
    samples,
    async take() {
      const at = seconds();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      samples.rssMb.push({ at, value: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 });
      samples.threads.push({ at, value: Number(/Threads:\s+(\d+)/.exec(status)?.[1]) });
      samples.handles.push({ at, value: readdirSync(`/proc/${pid}/fd`).length });
      const metrics = await (await fetch(metricsUrl)).text();
      const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? 'NaN');
      samples.heapMb.push({ at, value: metric('nodejs_heap_size_used_bytes') / 2 ** 20 });
      samples.externalMb.push({ at, value: metric('nodejs_external_memory_bytes') / 2 ** 20 });
      samples.walMb.push({ at, value: metric('referry_ledger_bytes{part="wal"}'.replace(/[{}]/g, '\\$&')) / 2 ** 20 });
      const { rows, bytes } = sizeOf(ledger);
      samples.ledger.push({ at, rows, bytes });
    },
    handles() {
      const kinds: Record<string, number> = {};
      for (const handle of readdirSync(`/proc/${pid}/fd`)) {
        const kind = targetOf(`/proc/${pid}/fd/${handle}`).replace(/\[?\d+\]?$/, '');
        kinds[kind] = (kinds[kind] ?? 0) + 1;
      }
      return kinds;
    },
  };
}

/** One that is closed meanwhile is nothing. */
function targetOf(handle: string): string {
  try {
    return readlinkSync(handle);
  } catch {
    return 'closed';
  }
}

function sizeOf(path: string): { rows: number; bytes: number } {
  const db = new Database(path, { readonly: true });
  try {
    const pages =
      Number(db.pragma('page_count', { simple: true })) - Number(db.pragma('freelist_count', { simple: true }));
    const rows = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM deliveries').get()?.n ?? 0;
    return { rows, bytes: pages * Number(db.pragma('page_size', { simple: true })) };
  } finally {
    db.close();
  }
}
