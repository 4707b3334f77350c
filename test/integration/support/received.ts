import { existsSync, readFileSync } from 'node:fs';
import type { Received } from '../../../src/sandbox/extole/received.ts';

/** A request, or a row of a file, as the stand-in's log has it: what arrived, before any deduplication. */
export type Logged<Body> = Omit<Received, 'body'> & { body: Body };

/** All of a log so far. Its last line may be half written while we look. */
export function readReceived<Body>(log: string): Logged<Body>[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return lines.map((line): Logged<Body> => JSON.parse(line));
}
