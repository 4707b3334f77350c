import { forgetRefusedLogin, keepRefusedLogin, refusedLogin } from '../../ledger/logins.ts';
import type { Ledger } from '../../ledger/open.ts';
import type { Io } from '../../model.ts';
import { type LoginWatch, loginPaused, pausedUntil } from '../../remotes/login-watch.ts';

/**
 * Refused logins, kept in the ledger: of all jobs with the same user on the same server, and across restarts. `byHand`: a person
 * asked for this run, and may have put right what was wrong; it is tried at once.
 */
export function loginWatch(ledger: Ledger, io: Pick<Io, 'now'>, { byHand }: { byHand: boolean }): LoginWatch {
  return {
    mayTry(login) {
      const refused = refusedLogin(ledger, login);
      if (refused === undefined) return;
      const until = byHand ? undefined : pausedUntil(refused, io.now());
      if (until !== undefined) throw loginPaused(login, refused, until);
      // The try counts from here: other jobs of the same user wait for how it ends.
      keepRefusedLogin(ledger, login, { ...refused, at: io.now() });
    },
    refused(login) {
      const before = refusedLogin(ledger, login)?.refusals ?? 0;
      keepRefusedLogin(ledger, login, { refusals: before + 1, at: io.now() });
    },
    accepted(login) {
      if (refusedLogin(ledger, login) !== undefined) forgetRefusedLogin(ledger, login);
    },
  };
}
