import { ledgerBytes } from '../ledger/measures.ts';
import { setWatchMark, watchMark } from '../ledger/watch.ts';
import type { Duty } from './duties.ts';

/** The log is emptied at 64 MB; so much more, and somebody keeps it from being. */
const MOST_BYTES = 256 * 2 ** 20;
const TOLD = 'log-size';

/** Says when the ledger's write-ahead log grows without end, because a program reads the ledger and never comes to its end; once, and when it is over. */
export const logSizeDuty: Duty = {
  name: 'log-size',
  see: async ({ ledger, io }) => {
    const { wal } = ledgerBytes(ledger);
    const large = wal > MOST_BYTES;
    if (large === (watchMark(ledger, '', TOLD) === 1)) return;
    setWatchMark(ledger, '', TOLD, large ? 1 : 0);
    const megabytes = Math.round(wal / 2 ** 20);
    if (large)
      io.log.error(
        { code: 'LEDGER_LOG_LARGE', megabytes },
        `the write-ahead log of ${ledger.path} has ${megabytes} MB and cannot be emptied: end the program that keeps the ledger open to read it (sqlite3, a dashboard)`,
      );
    else io.log.info({ megabytes }, 'the write-ahead log of the ledger is small again');
  },
};
