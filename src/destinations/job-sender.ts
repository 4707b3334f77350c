import type { Answer, Io } from '../model.ts';
import { type HandedIn, lookAfterMs, type Row, sendAsJobs } from './jobs.ts';
import type { Profile, ProfileSender } from './profile.ts';
import { withoutProfile } from './words.ts';

/** A provider that takes many profiles as a job, and says later what became of them. Durations are milliseconds. */
export interface JobProvider {
  /** What people call it. */
  name: string;
  /** What a job is called there, and what is in it. */
  words: { job: string; row: string };
  /** A body: the rows, with commas between them, stand between the two texts. */
  body: { open: string; close: string };
  /** What a body takes at most. */
  most: { rows: number; bytes: number };
  /** The longest time between two looks, and for how long to look. */
  settings: { poll: number; completeWithin: number };
  /** The profile as it is sent, or why it is not. `most`: bytes of the largest that a call takes. */
  rowOf(profile: Profile, at: number, most: number): Row | Answer;
  handIn(body: string, signal: AbortSignal): Promise<HandedIn>;
  /** What became of the profiles of a job: an answer of each, in order, or one of all. Throws the signal's reason. */
  look(job: string, profiles: readonly Profile[], signal: AbortSignal): Promise<'later' | Answer | Answer[]>;
  /** Cuts what is on the wire. */
  close(): Promise<void>;
}

/** Sends batches as jobs, and asks after those until they are done. */
export function createJobSender(provider: JobProvider, io: Io): ProfileSender {
  const { body, most, settings } = provider;
  const bounds = { rows: most.rows, bytes: most.bytes - Buffer.byteLength(body.open) - Buffer.byteLength(body.close) };

  async function answersOf(job: string, profiles: readonly Profile[], signal: AbortSignal): Promise<Answer[]> {
    const all = (answer: Answer): Answer[] => profiles.map(() => answer);
    const until = io.monotonic() + settings.completeWithin;
    for (let looks = 0; ; looks += 1) {
      await io.sleep(lookAfterMs(looks, settings.poll), signal);
      const found = await provider.look(job, profiles, signal);
      if (found !== 'later') return 'kind' in found ? all(found) : found;
      if (io.monotonic() > until) return all(stillWorking(provider, job));
    }
  }

  return {
    maxBatchSize: most.rows,
    async send(batch, signal) {
      signal.throwIfAborted();
      const prepared = batch.map((profile, at) => provider.rowOf(profile, at, bounds.bytes));
      const answers = await sendAsJobs(
        prepared.filter((row) => 'json' in row),
        {
          bounds,
          handIn: (part) =>
            provider.handIn(`${body.open}${part.map(({ json }) => json).join(',')}${body.close}`, signal),
          answersOf: (job, part) => {
            const profiles = part.map(({ at }) => batch[at]).filter((profile) => profile !== undefined);
            return answersOf(job, profiles, signal);
          },
        },
        signal,
      );
      return batch.map((profile, at) => {
        const row = prepared[at];
        const answer = row && 'kind' in row ? row : answers.get(at);
        return withoutProfile(answer ?? nothingSaid(provider), profile);
      });
    },
    close: () => provider.close(),
  };
}

/** Every row of the job was taken. */
export function taken(job: string): Answer {
  return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: job }, http: 200 };
}

function stillWorking({ name, words, settings }: JobProvider, job: string): Answer {
  const seconds = Math.round(settings.completeWithin / 1000);
  const reason = `${name} is still at ${words.job} ${job} after ${seconds} s (setting completeWithin)`;
  return { kind: 'unknown', code: 'STILL_WORKING', reason };
}

function nothingSaid({ name, words }: JobProvider): Answer {
  return { kind: 'unknown', code: 'NO_ANSWER', reason: `${name} said nothing of the ${words.row}` };
}
