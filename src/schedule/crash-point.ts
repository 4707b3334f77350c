import { writeSync } from 'node:fs';
import type { Io } from '../model.ts';

/**
 * For crash tests: `REFERRY_CRASH_AT=name:n,name:n` ends the process, as a power cut would, the n-th time (default 1) it comes by
 * one of these places, and says which on standard error.
 */
export function crashPointFrom(io: Io): (name: string) => void {
  const asked = (io.env.REFERRY_CRASH_AT ?? '').split(',').filter((each) => each !== '');
  if (asked.length === 0) return () => {};
  const left = new Map(
    asked.map((each): [string, number] => {
      const [name = '', nth = '1'] = each.split(':');
      return [name, Number(nth)];
    }),
  );
  return (passed) => {
    const n = (left.get(passed) ?? 0) - 1;
    left.set(passed, n);
    if (n !== 0) return;
    writeSync(2, `crash point ${passed}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
}
