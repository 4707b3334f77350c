import type { Answer } from '../model.ts';
import { ENOUGH, everyOne, notSentAfter, partsOf, type Row, unlessAllRefused } from './jobs.ts';
import type { Profile, ProfileSender } from './profile.ts';
import { type Called, splitRefused } from './split.ts';
import { withoutProfile } from './words.ts';

/** A profile on its way, as JSON. */
export interface Outgoing extends Row {
  profile: Profile;
}

/** A profile as a provider takes it, or why it does not leave. `kind`: calls carry profiles of one kind only. */
export type Prepared = { json: string; kind: string } | { refused: Answer };

/** A provider that answers each call at once. */
export interface CallProvider {
  prepare(profile: Profile): Prepared;
  /** What a call takes at most; `bytes` of the profiles with a comma between them. */
  bounds: { rows: number; bytes: number };
  call(rows: readonly Outgoing[], signal: AbortSignal): Promise<Called>;
  /** Cuts what is on the wire. */
  close(): Promise<void>;
}

export function createCallSender(provider: CallProvider): ProfileSender {
  return {
    maxBatchSize: provider.bounds.rows,
    send: (batch, signal) => sendInCalls(batch, provider, signal),
    close: () => provider.close(),
  };
}

/**
 * Sends a batch as calls of bounded size, one after the other, and splits what is refused because of one profile. Where a call has no
 * good answer in spite of all patience, or one profile after the other is refused, the rest is not sent. answers[i] is of
 * batch[i]. Throws the signal's reason only.
 */
async function sendInCalls(batch: readonly Profile[], work: CallProvider, signal: AbortSignal): Promise<Answer[]> {
  const answers = new Map<number, Answer>();
  const kinds = new Map<string, Outgoing[]>();
  let stop: Answer | undefined;
  let taken = false;
  let alone = 0;

  signal.throwIfAborted();
  for (const [at, profile] of batch.entries()) {
    const prepared = work.prepare(profile);
    const bytes = 'json' in prepared ? Buffer.byteLength(prepared.json) : 0;
    if ('refused' in prepared) answers.set(at, prepared.refused);
    else if (bytes > work.bounds.bytes) answers.set(at, tooLarge(bytes, work.bounds.bytes));
    else {
      const rows = kinds.get(prepared.kind) ?? [];
      rows.push({ at, profile, json: prepared.json, bytes });
      kinds.set(prepared.kind, rows);
    }
  }

  /** Makes the call unless something speaks against any. */
  async function call(rows: readonly Outgoing[]): Promise<Called> {
    if (stop) return all(rows, stop);
    const called = await work.call(rows, signal);
    if ('answers' in called) {
      taken ||= called.answers.some(({ kind }) => kind === 'accepted');
      stop = called.answers[0] && stoppedBy(called.answers[0]);
      return called;
    }
    const [row, ...others] = rows;
    if (!row || others.length > 0 || taken) return called;
    alone += 1;
    if (alone === ENOUGH && !(await oneIsTaken())) stop = everyOne(withoutProfile(called.refused, row.profile));
    return called;
  }

  /** The bad ones may stand together. Asks for others, from the middle on. */
  async function oneIsTaken(): Promise<boolean> {
    const rows = [...kinds.values()].flat();
    for (const share of [0.5, 0.75, 1]) {
      const row = rows[Math.ceil(rows.length * share) - 1];
      if (row && !('refused' in (await work.call([row], signal)))) return true;
    }
    return false;
  }

  for (const rows of kinds.values()) {
    for (const part of partsOf(rows, work.bounds)) {
      const called = await splitRefused(part, call, signal);
      for (const [i, { at, profile }] of part.entries()) answers.set(at, withoutProfile(called[i] ?? NOTHING, profile));
    }
  }
  const known = unlessAllRefused(answers);
  return batch.map((_, at) => known.get(at) ?? NOTHING);
}

/** The same answer for each. */
export function all(rows: readonly unknown[], answer: Answer): Called {
  return { answers: rows.map(() => answer) };
}

/** What keeps the rest of a batch from leaving. */
function stoppedBy(answer: Answer): Answer | undefined {
  return answer.kind === 'accepted' || answer.kind === 'rejected' ? undefined : notSentAfter(answer);
}

function tooLarge(bytes: number, most: number): Answer {
  const reason = `the profile has ${bytes} bytes, and a call takes ${most}: send fewer or shorter fields`;
  return { kind: 'rejected', code: 'PROFILE_TOO_LARGE', reason };
}

const NOTHING: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'no answer to this profile' };
