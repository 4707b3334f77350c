import type { Asked, Verb } from '../verb.ts';
import { retry } from './retry.ts';
import { run } from './run.ts';
import { verifyDedupe } from './verify-dedupe.ts';

/** What the daemon executes when a command asks for it. */
export const VERBS: readonly Verb<Asked, object>[] = [run, retry, verifyDedupe];
