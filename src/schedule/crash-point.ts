import type { Io } from '../model.ts';

/** For crash tests: `REFERRY_CRASH_AT=name:n` ends the process, as a power cut would, the n-th time it comes by. */
export function crashPointFrom(io: Io): (name: string) => void {
  const [name, nth = '1'] = (io.env.REFERRY_CRASH_AT ?? '').split(':');
  if (!name) return () => {};
  let left = Number(nth);
  return (passed) => {
    if (passed === name && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
