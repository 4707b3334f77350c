import { TransferError } from '../model.ts';
import type { Finding } from './check.ts';
import type { Job } from './schema.ts';

/** What is wrong with the PGP keys of jobs, as far as it shows without unlocking one. No message shows what a field holds. */
export async function checkKeys(jobs: readonly Job[]): Promise<Finding[]> {
  const findings = await Promise.all(jobs.map(checkJob));
  return findings.flat();
}

async function checkJob(job: Job): Promise<Finding[]> {
  const { pgp } = job.file;
  const { encryptTo } = job.report;
  if (!pgp && !encryptTo) return [];
  const { readPrivateKeys, readPublicKeys } = await import('../parsing/pgp-keys.ts');
  const tries: [string[], () => Promise<unknown>][] = [];
  if (pgp) tries.push([['file', 'pgp', 'privateKey'], () => readPrivateKeys(pgp.privateKey)]);
  if (pgp?.signer) tries.push([['file', 'pgp', 'signer'], () => readPublicKeys('file.pgp.signer', pgp.signer ?? [])]);
  if (encryptTo) tries.push([['report', 'encryptTo'], () => readPublicKeys('report.encryptTo', encryptTo)]);
  const findings: Finding[] = [];
  for (const [path, read] of tries) {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      const message = error.message.replace(`${path.join('.')}: `, '');
      findings.push({ job, path, message, ...(error.hint ? { hint: error.hint } : {}), severity: 'error' });
    }
  }
  return findings;
}
