import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { perSecond, show } from './figures.ts';
import { PUSHED_ROWS, PUSHES } from './pushes.ts';
import { script, task } from './task.ts';

/** Pushes to the stand-in of each tool, at the limit that the tool documents. */
export async function push(): Promise<void> {
  for (const [tool, plan] of Object.entries(PUSHES)) {
    const server = spawn(process.execPath, [script('push-server.ts'), tool], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const told = async (): Promise<string> => String((await lines.next()).value);
    try {
      const { url }: { url: string } = JSON.parse(await told());
      const settings = JSON.stringify(plan.settings(url));
      const pushed = await task<{ ms: number; kinds: Record<string, number>; rss: number }>(
        ...(['task-push.mjs', tool, String(PUSHED_ROWS), String(plan.batches), settings] as const),
      );
      server.stdin.write('count\n');
      const counted: { calls: number; throttled: number; stored: number } = JSON.parse(await told());
      if (pushed.kinds.accepted !== PUSHED_ROWS || counted.stored !== PUSHED_ROWS)
        throw new Error(`${tool} has ${counted.stored} rows, and answers were ${JSON.stringify(pushed.kinds)}`);
      const rate = PUSHED_ROWS / pushed.ms;
      const text = `${perSecond(rate)} rows/s to ${tool} in ${counted.calls} calls (${plan.limit}), ${Math.round(pushed.rss / 1e6)} MB peak`;
      if (plan.allowed === undefined) show('push', text);
      else show('push', text, (rate * 1000) / plan.allowed, 0.9);
      show('push', `429 from ${tool}`, counted.throttled, -0.5);
    } finally {
      server.stdin.end();
      server.kill();
    }
  }
}
