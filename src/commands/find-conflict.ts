import { join } from 'node:path';
import { deliveriesOfKey, stagedProcessings } from '../ledger/explain.ts';
import { findFile } from '../ledger/known-files.ts';
import type { Ledger } from '../ledger/open.ts';
import { checkKey } from '../mapping/key.ts';
import { keyedHash } from '../pipelines/files/context.ts';
import { findStagedRows } from '../pipelines/files/staged-rows.ts';
import type { Settings } from '../settings.ts';
import { usage } from './decide.ts';

/** The file in which a key is in conflict. Throws `USAGE` where there is none, or more than one and none was named. */
export function findConflict(
  ledger: Ledger,
  settings: Settings,
  given: string,
  said: string | undefined,
): { job: string; processingId: number; key: string } {
  const verdict = checkKey(given, 'partner_conversion_id');
  if (!verdict.ok)
    throw usage(`no row has such a key (${verdict.code}): ${verdict.reason}`, 'give the key as the file has it');
  const { key } = verdict;
  if (said !== undefined) {
    const file = findFile(ledger, said);
    return { job: file.job, processingId: file.processing, key };
  }
  const keyHash = Buffer.from(keyedHash(ledger)(key), 'hex');
  const files = stagedProcessings(ledger);
  const inFile = findStagedRows(join(settings.state, 'staging'), files, [keyHash]).filter(
    (row) => row.verdict === 'conflict',
  );
  const across = deliveriesOfKey(ledger, keyHash).filter((row) => row.state === 'conflict');
  const found = new Set([...inFile, ...across].map((row) => row.processing));
  const [first, ...others] = files.filter(({ processing }) => found.has(processing));
  if (!first) throw usage(`the key ${key} is in conflict nowhere`, `referry explain ${key} says what is known of it`);
  if (others.length > 0) {
    const list = [first, ...others].map(({ processing, name, job }) => `p${processing}  job ${job}  ${name}`);
    throw usage(
      `the key ${key} is in conflict in ${list.length} files:\n  ${list.join('\n  ')}`,
      'say which: --file p…',
    );
  }
  return { job: first.job, processingId: first.processing, key };
}
