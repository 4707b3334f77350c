import type { PublicKey } from 'openpgp';
import type { Job } from '../jobs/schema.ts';
import { type Io, TransferError } from '../model.ts';
import { idOf, readPublicKeys, unlockPgpKeys } from '../parsing/pgp-keys.ts';
import { checkEncryption } from '../reports/encrypt.ts';
import type { Step } from './examine.ts';

const DAY = 86_400_000;
/** Partners need their time to take a new key in. */
const TOLD_BEFORE = 30 * DAY;

/** Whether the PGP keys of a job can be read, unlocked and used, and when they expire. */
export async function examineKeys(job: Job, io: Pick<Io, 'now' | 'sleep'>): Promise<Step[]> {
  const now = io.now();
  const { pgp } = job.file;
  const { encryptTo } = job.report;
  const steps: Step[] = [];
  if (pgp)
    steps.push(
      ...(await tried('pgp key', async () => {
        const { decryption, signers } = await unlockPgpKeys(pgp, io);
        return Promise.all([
          ...decryption.map((key) => told('pgp key', key, now, 'senders cannot encrypt to it any more')),
          ...signers.map((key) => told('signer key', key, now, 'what the sender signs with it is refused')),
        ]);
      })),
    );
  if (encryptTo)
    steps.push(
      ...(await tried('results key', async () => {
        await checkEncryption(encryptTo);
        const keys = await readPublicKeys('report.encryptTo', encryptTo);
        return Promise.all(keys.map((key) => told('results key', key, now, 'results cannot be encrypted to it')));
      })),
    );
  return steps;
}

async function tried(step: string, look: () => Promise<Step[]>): Promise<Step[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return [{ step, verdict: 'FAIL', detail: error.message, hint: error.hint, cause: 'configuration' }];
  }
}

async function told(step: string, key: PublicKey, now: number, then: string): Promise<Step> {
  const end = await key.getExpirationTime();
  if (end === null) {
    const hint = 'replace it by one that is valid';
    return { step, verdict: 'FAIL', detail: `${idOf(key)} is revoked or not valid`, hint, cause: 'configuration' };
  }
  if (!(end instanceof Date)) return { step, verdict: 'ok', detail: `${idOf(key)} can be used, and never expires` };
  const day = end.toISOString().slice(0, 10);
  if (end.getTime() > now + TOLD_BEFORE)
    return { step, verdict: 'ok', detail: `${idOf(key)} can be used until ${day}` };
  const over = end.getTime() <= now;
  const hint = 'make a new key in good time, add it beside this one, and give the other side its public part';
  return { step, verdict: 'warn', detail: `${idOf(key)} ${over ? 'expired' : 'expires'} on ${day}: ${then}`, hint };
}
