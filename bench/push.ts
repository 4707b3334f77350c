import { join } from 'node:path';
import { perSecond, show } from './figures.ts';
import { PUSHED_ROWS, PUSHES } from './pushes.ts';
import { startCounting, task } from './task.ts';

interface Pushed {
  ms: number;
  counts?: Record<string, number>;
  rss: number;
}

/** Pushes to the stand-in of each tool, at the limit that the tool documents. What is compared with it is the rate of calls. */
export async function push(root: string): Promise<void> {
  for (const [tool, plan] of Object.entries(PUSHES)) {
    using server = await startCounting(tool);
    const target = JSON.stringify({ provider: tool, account: 'bench', ...plan.settings(server.url) });
    const folder = join(root, `push-${tool}`);
    const pushed = await task<Pushed>('task-push.mjs', folder, String(PUSHED_ROWS), target);
    const counted = await server.count();
    if (pushed.counts?.delivered !== PUSHED_ROWS || counted.stored !== PUSHED_ROWS)
      throw new Error(`${tool} has ${counted.stored} rows, and the push came to ${JSON.stringify(pushed)}`);
    const rate = PUSHED_ROWS / counted.wireMs;
    const all = `${(pushed.ms / 1000).toFixed(1)} s with the ledger and the results file`;
    const text = `${perSecond(rate)} rows/s to ${tool} in ${counted.calls} calls (${plan.limit}), ${all}, ${Math.round(pushed.rss / 1e6)} MB peak`;
    if (plan.allowed === undefined) show('push', text);
    else show('push', text, (rate * 1000) / plan.allowed, 0.9);
    show('push', `429 from ${tool}`, counted.throttled, -0.5);
  }
}
