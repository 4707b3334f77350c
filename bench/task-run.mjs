// @ts-check
import { join } from 'node:path';

/**
 * Runs one job once and prints what it took, as one JSON line: `task-run.mjs <jobs folder> <state folder> <job>`. The built
 * package, as it is published, and no TypeScript: what strips the types would count as memory.
 * The types of the sources are checked, so that this program cannot fall behind them.
 */
const [jobs = '', state = '', job = ''] = process.argv.slice(2);
/** @param {string} path */
const built = (path) => new URL(`../dist/src/${path}.js`, import.meta.url).href;
/** @type {typeof import('../src/io.ts')} */
const { createLog, realIo } = await import(built('io'));
/** @type {typeof import('../src/ledger/open.ts')} */
const { openLedger } = await import(built('ledger/open'));
/** @type {typeof import('../src/schedule/verbs/run.ts')} */
const { run } = await import(built('schedule/verbs/run'));
const io = realIo(createLog('error'));
const ledger = await openLedger(join(state, 'ledger.sqlite'), 'command', io);
/** @type {Record<string, number>} */
const phases = {};
let phase = '';
let since = performance.now();
const started = performance.now();
const { executed } = await run.execute(
  { verb: 'run', job },
  {
    ledger,
    io,
    signal: new AbortController().signal,
    jobs,
    state,
    cause: 'command',
    progress: (progress) => {
      if (progress.phase === phase) return;
      const now = performance.now();
      if (phase !== '') phases[phase] = (phases[phase] ?? 0) + now - since;
      phase = progress.phase;
      since = now;
    },
  },
);
const ms = performance.now() - started;
const { user, system } = process.cpuUsage();
phases[phase] = (phases[phase] ?? 0) + performance.now() - since;
await ledger.close();
const { counts, balanced, halted } = executed.account;
process.stdout.write(
  `${JSON.stringify({ ms, cpu: (user + system) / 1000, counts, balanced, halted, phases, rss: process.resourceUsage().maxRSS * 1024 })}\n`,
);
