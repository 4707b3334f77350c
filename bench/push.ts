import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { perSecond, show } from './figures.ts';
import { PUSHED_ROWS, PUSHES } from './pushes.ts';
import { script, task } from './task.ts';

/** `wireMs`: from the first call to the last. */
interface Counted {
  calls: number;
  throttled: number;
  stored: number;
  wireMs: number;
}

interface Pushed {
  ms: number;
  counts?: Record<string, number>;
  rss: number;
}

/** Pushes to the stand-in of each tool, at the limit that the tool documents. What is compared with it is the rate of calls. */
export async function push(root: string): Promise<void> {
  for (const [tool, plan] of Object.entries(PUSHES)) {
    const server = spawn(process.execPath, [script('push-server.ts'), tool], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const told = async (): Promise<string> => String((await lines.next()).value);
    try {
      const { url }: { url: string } = JSON.parse(await told());
      const target = JSON.stringify({ provider: tool, account: 'bench', ...plan.settings(url) });
      const folder = join(root, `push-${tool}`);
      const pushed = await task<Pushed>('task-push.mjs', folder, String(PUSHED_ROWS), target);
      server.stdin.write('count\n');
      const counted: Counted = JSON.parse(await told());
      if (pushed.counts?.delivered !== PUSHED_ROWS || counted.stored !== PUSHED_ROWS)
        throw new Error(`${tool} has ${counted.stored} rows, and the push came to ${JSON.stringify(pushed)}`);
      const rate = PUSHED_ROWS / counted.wireMs;
      const all = `${(pushed.ms / 1000).toFixed(1)} s with the ledger and the results file`;
      const text = `${perSecond(rate)} rows/s to ${tool} in ${counted.calls} calls (${plan.limit}), ${all}, ${Math.round(pushed.rss / 1e6)} MB peak`;
      if (plan.allowed === undefined) show('push', text);
      else show('push', text, (rate * 1000) / plan.allowed, 0.9);
      show('push', `429 from ${tool}`, counted.throttled, -0.5);
    } finally {
      server.stdin.end();
      server.kill();
    }
  }
}
