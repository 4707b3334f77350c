import type { Answer, Io } from '../../../model.ts';
import { TransferError } from '../../../model.ts';
import { lookAfterMs } from '../../jobs.ts';
import type { MembershipTarget } from '../../membership.ts';
import { asAnswers, asList, type Change } from '../../membership-calls.ts';
import { withoutValues } from '../../words.ts';
import { changeInFiles, LOST, memberFile } from './member-file.ts';
import { type Results, readResults } from './results.ts';
import { type AudienceSftpSettings, columnOf } from './settings.ts';

/** Extole's folders, as whoever opens the server hands them in: `{audience id}/add` and `{audience id}/remove`, below that of all audiences. Every method throws `TransferError`, and the signal's reason. */
export interface AudienceFolders {
  /** Puts a file into a folder, whole or not at all, readable by everyone. `false`: there is one of the name, which stays. */
  put(folder: string, name: string, contents: string, signal: AbortSignal): Promise<boolean>;
  /** What is in the results files beside the folder that speak of the name; empty while there are none. */
  results(folder: string, name: string, signal: AbortSignal): Promise<string[]>;
  close(): Promise<void>;
}

/** An audience, by files in Extole's folders, whose results are read back. Each file has a name of its own: Extole takes none twice. */
export function createAudienceByFiles(
  settings: AudienceSftpSettings,
  folders: AudienceFolders,
  io: Io,
): MembershipTarget {
  const { audiences, membersPerFile } = settings;
  let audienceId = '';
  const column = columnOf(settings);
  // A process that died within this second may have used its name.
  let last = Math.floor(io.now() / 1000);

  async function changed(changes: readonly Change[], signal: AbortSignal): Promise<Answer[]> {
    const answers = await changeInFiles(changes, membersPerFile, (part, add) => byFile(part, add, signal));
    return changes.map(({ id }, i) => withoutValues(answers[i] ?? LOST, [id]));
  }

  async function byFile(changes: readonly Change[], add: boolean, signal: AbortSignal): Promise<Answer[] | Answer> {
    const folder = `${audienceId}/${add ? 'add' : 'remove'}`;
    const contents = memberFile(column, changes);
    let name = '';
    try {
      do name = await nextName(signal);
      while (!(await folders.put(folder, name, contents, signal)));
    } catch (error) {
      return notPut(error);
    }
    return await resultsOf(changes, folder, name, signal);
  }

  /** One that was not given before: names go by the second. */
  async function nextName(signal: AbortSignal): Promise<string> {
    const wait = (last + 1) * 1000 - io.now();
    if (wait > 0) await io.sleep(wait, signal);
    last = Math.max(last + 1, Math.floor(io.now() / 1000));
    const stamp = new Date(last * 1000).toISOString().replace(/[-:T]|\..*/g, '');
    return `audience_${stamp}.csv`;
  }

  /** Waits for the results, until they speak of every member or stay as they are. */
  async function resultsOf(
    changes: readonly Change[],
    folder: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Answer[] | Answer> {
    const until = io.monotonic() + settings.completeWithin;
    let texts: readonly string[] = [];
    let read: Results[] = [];
    let since = io.monotonic();
    for (let looks = 0; ; looks += 1) {
      await io.sleep(lookAfterMs(looks, settings.poll), signal);
      const found = await textsOf(folder, name, signal);
      if ('kind' in found) return found;
      const now = io.monotonic();
      if (found.length !== texts.length || found.some((text, i) => text !== texts[i])) {
        since = now;
        texts = found;
        read = texts.map((text) => readResults(text, column, settings.results));
        const known = membersIn(read);
        if (changes.every(({ id }) => known.has(id.trim()))) return placed(changes, known);
      }
      if (texts.length > 0 && now - since >= settings.settle) return unfinished(changes, read, name);
      if (now > until) return stillWaiting(name, settings.completeWithin);
    }
  }

  /** The file was put: where a look fails, nothing is known of it, and the next look may not fail. */
  async function textsOf(
    folder: string,
    name: string,
    signal: AbortSignal,
  ): Promise<string[] | Extract<Answer, { kind: 'halted' }>> {
    try {
      return await folders.results(folder, name, signal);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      if (error.retryable) return [];
      const { code, message } = error;
      return { kind: 'halted', code, reason: `the results of ${name} could not be read: ${message}`, doubtful: true };
    }
  }

  return {
    maxBatchSize: membersPerFile,
    identity: { provider: 'extole', account: settings.account, target: 'audience by files' },
    idKind: settings.identifyBy,
    // The folder is that of an audience that exists; it keeps its name.
    async prepare({ id }) {
      audienceId = Object.hasOwn(audiences, id) ? (audiences[id] ?? '') : '';
      if (audienceId !== '') return { targetId: audienceId };
      throw new TransferError('CONFIGURATION', `no audience is named for the segment ${id}`, {
        hint: `write its id, as My Extole shows it, under audiences: { ${id}: ... }`,
      });
    },
    async apply(changes, signal) {
      signal.throwIfAborted();
      return asAnswers(await changed(asList(changes), signal), changes);
    },
    close: () => folders.close(),
  };
}

function membersIn(read: readonly Results[]): Map<string, Answer> {
  return new Map(read.flatMap((one) => ('members' in one ? [...one.members] : [])));
}

function placed(changes: readonly Change[], known: ReadonlyMap<string, Answer>): Answer[] {
  return changes.map(({ id }) => known.get(id.trim()) ?? LOST);
}

/** Results that change no more and do not speak of everybody. */
function unfinished(changes: readonly Change[], read: readonly Results[], name: string): Answer[] | Answer {
  for (const one of read) {
    if ('refused' in one) {
      const reason = `Extole refused ${name} as a whole: ${one.refused}`;
      return { kind: 'halted', code: 'EXTOLE_FILE_REFUSED', reason };
    }
  }
  const unreadable = read.find((one) => 'unreadable' in one);
  if (unreadable && 'unreadable' in unreadable) {
    const reason = `the results of ${name} cannot be understood: ${unreadable.unreadable}`;
    return { kind: 'halted', code: 'RESULTS_UNREADABLE', reason, doubtful: true };
  }
  const reason = `the results of ${name} do not speak of this member`;
  const missing: Answer = { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason };
  const known = membersIn(read);
  return changes.map(({ id }) => known.get(id.trim()) ?? missing);
}

function notPut(error: unknown): Answer {
  if (!(error instanceof TransferError)) throw error;
  const { code, message, retryable } = error;
  if (!retryable && code !== 'PUBLISH_UNCERTAIN') return { kind: 'halted', code, reason: message };
  return { kind: 'unknown', code, reason: message };
}

function stillWaiting(name: string, ms: number): Answer {
  const reason = `Extole gave no results of ${name} for ${Math.round(ms / 1000)} s (setting completeWithin)`;
  return { kind: 'unknown', code: 'STILL_WORKING', reason };
}
