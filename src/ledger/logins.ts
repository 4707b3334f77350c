import type { Ledger } from './open.ts';
import { dropWatchMark, setWatchMark, watchMark } from './watch.ts';

const REFUSALS = 'login-refusals';
const AT = 'login-refused-at';

/** Logins of a `user@host:port` that were refused in a row, and when the last one was tried; milliseconds since 1970. */
export function refusedLogin(ledger: Pick<Ledger, 'db'>, login: string): { refusals: number; at: number } | undefined {
  const refusals = watchMark(ledger, '', `${REFUSALS} ${login}`);
  const at = watchMark(ledger, '', `${AT} ${login}`);
  return refusals === undefined || at === undefined ? undefined : { refusals, at };
}

export function keepRefusedLogin(ledger: Ledger, login: string, refused: { refusals: number; at: number }): void {
  ledger.db
    .transaction(() => {
      setWatchMark(ledger, '', `${REFUSALS} ${login}`, refused.refusals);
      setWatchMark(ledger, '', `${AT} ${login}`, refused.at);
    })
    .immediate();
}

export function forgetRefusedLogin(ledger: Ledger, login: string): void {
  for (const name of [REFUSALS, AT]) dropWatchMark(ledger, '', `${name} ${login}`);
}
