import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runSweep } from '../crash/run-sweep.ts';
import { straceMissing } from '../crash/strace.ts';

const missing = straceMissing();
const REQUIRED = process.env.REFERRY_REQUIRE_ALL === '1';

/** Each 12th system call of a kind; `npm run test:crash -- --sweep` takes them all. */
it.skipIf(missing !== undefined && !REQUIRED)(
  `C03: killed, or with a disk that fails, at its system calls one after the other, a run converges${missing ? ` (skipped: ${missing})` : ''}`,
  { timeout: 600_000 },
  async () => {
    const told: string[] = [];
    const tree = fileURLToPath(new URL('../../', import.meta.url));
    const seed = `${Date.now() % 1_000_000_000}`;
    const say = (line: string): number => told.push(line);
    const figures = await runSweep({ tree, seed, workers: 2, only: [], every: 12, keep: 'wrong', say });
    expect(figures.violations, told.join('\n')).toBe(0);
    const struck = Object.values(figures.struck).reduce((sum, times) => sum + times, 0);
    expect(struck, JSON.stringify(figures.struck)).toBeGreaterThan(20);
  },
);
