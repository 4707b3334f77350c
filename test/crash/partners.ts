import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Sight {
  /** Name and sha256 of what was last seen. */
  seen: Map<string, string>;
  complaints: string[];
}

export interface Partners {
  /** Polls a folder until the returned function is called. `changing`: its files may be replaced, whole by whole. */
  watch(folder: string, changing?: boolean): () => Promise<Sight>;
  stop(): void;
}

const BLIND: Sight = { seen: new Map(), complaints: ['the partner itself is gone: nobody has looked'] };

/** One process that polls for all stories. */
export function startPartners(): Partners {
  const child = spawn(process.execPath, [fileURLToPath(new URL('partner.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const asked = new Map<string, (sight: Sight) => void>();
  let last = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told: { id: string; seen: [string, string][]; complaints: string[] } = JSON.parse(line);
    asked.get(told.id)?.({ seen: new Map(told.seen), complaints: told.complaints });
    asked.delete(told.id);
  });
  let gone = false;
  child.once('close', () => {
    gone = true;
    for (const answer of asked.values()) answer(BLIND);
    asked.clear();
  });
  child.stdin.on('error', () => {});
  const say = (command: object): void => void child.stdin.write(`${JSON.stringify(command)}\n`);
  return {
    watch(folder, changing = false) {
      const id = `${++last}`;
      say({ id, folder, changing });
      return () =>
        new Promise((resolve) => {
          if (gone) return resolve(BLIND);
          asked.set(id, resolve);
          say({ id, stop: true });
        });
    },
    stop: () => child.stdin.end(),
  };
}
