import { createLog, realIo } from '../io.ts';
import type { Io } from '../model.ts';
import { readSettings, type Settings } from '../settings.ts';

/** Settings and the real world, for a command. `more`: what its options put in place of the environment. */
export function openWorld(
  options: { jobs?: string; state?: string; listen?: string },
  more: Readonly<Record<string, string>> = {},
): { settings: Settings; io: Io } {
  process.umask(0o077);
  const settings = readSettings({ ...process.env, ...more }, options);
  // On a terminal the answer and its progress bar are enough; elsewhere a line for each step is wanted.
  const level = process.env.REFERRY_LOG_LEVEL === undefined && process.stderr.isTTY ? 'error' : settings.logLevel;
  return { settings, io: realIo(createLog(level)) };
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once, which is as safe as a crash. */
export function stopSignal(): { signal: AbortSignal; name: () => NodeJS.Signals | undefined; dispose: () => void } {
  const controller = new AbortController();
  let name: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (name !== undefined) process.exit(130);
    name = signal;
    controller.abort(new DOMException(`stopped by ${signal}`, 'AbortError'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const dispose = (): void => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  return { signal: controller.signal, name: () => name, dispose };
}
