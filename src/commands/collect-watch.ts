import { openExpectations } from '../ledger/expectations.ts';
import { stuckChannels } from '../ledger/notice-messages.ts';
import type { Ledger } from '../ledger/open.ts';
import { isWatched } from '../ledger/watch.ts';
import { expectedWords } from '../reports/morning-words.ts';
import { count, isoOrNull } from './print.ts';

/** Something unusual about a day's file, as `status --json` has it. */
export interface ExpectedStatus {
  day: string;
  state: string;
  /** `p12`, where a file is meant. */
  processing: string | null;
  since: string | null;
  words: string;
}

/** What is late, missing or otherwise unusual now. Empty where the ledger is older than that. */
export function expectedOf(ledger: Pick<Ledger, 'db'> | undefined, job: string): ExpectedStatus[] {
  if (ledger === undefined || !isWatched(ledger)) return [];
  return openExpectations(ledger, job).map((each) => ({
    day: each.day,
    state: each.state,
    processing: each.subject === '' || each.state === 'sequence-gap' ? null : `p${each.subject}`,
    since: isoOrNull(each.since),
    words: expectedWords(each),
  }));
}

/** Channels that do not take what is to be told, in words. */
export function stuckChannelsOf(ledger: Pick<Ledger, 'db'>): string[] {
  if (!isWatched(ledger)) return [];
  return stuckChannels(ledger).map(({ channel, waiting, since, problem }) => {
    const [job = '', name = ''] = channel.split('/');
    const where = job === '' ? `the channel ${name} of notify.yaml` : `${job}: the channel ${name}`;
    return `${where} has not taken ${count(waiting, 'notice')} since ${isoOrNull(since) ?? '-'}: ${problem ?? 'no answer'}`;
  });
}
