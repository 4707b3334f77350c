import type { Asked, Verb } from '../verb.ts';
import { confirm, reject, release, reprocess, resolve, retryRows } from './decisions.ts';
import { forget } from './forget.ts';
import { importKeys } from './import-keys.ts';
import { prune } from './prune.ts';
import { recover } from './recover.ts';
import { retry } from './retry.ts';
import { run } from './run.ts';
import { verifyDedupe } from './verify-dedupe.ts';
import { verifySegment } from './verify-segment.ts';

/** What the daemon executes when a command asks for it. */
export const VERBS: readonly Verb<Asked, object>[] = [
  run,
  retry,
  retryRows,
  release,
  reject,
  resolve,
  reprocess,
  confirm,
  recover,
  verifyDedupe,
  verifySegment,
  importKeys,
  forget,
  prune,
];
