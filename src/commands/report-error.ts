import { EXIT, type ExitCode, TransferError } from '../model.ts';
import { visibleLines } from '../reports/visible.ts';

const EXITS: Readonly<Record<string, ExitCode>> = {
  LEDGER_IN_USE: EXIT.ledgerInUse,
  LEDGER_TAKEN_OVER: EXIT.ledgerInUse,
  LEDGER_UNREADABLE: EXIT.ledgerUnreadable,
  LEDGER_MISSING: EXIT.ledgerUnreadable,
  LEDGER_BEHIND: EXIT.ledgerUnreadable,
  LEDGER_EXISTS: EXIT.usage,
  BACKUP_INVALID: EXIT.usage,
  LEDGER_FULL: EXIT.ledgerUnreadable,
  LEDGER_BUSY: EXIT.ledgerInUse,
  LEDGER_NOT_WRITABLE: EXIT.usage,
  LEDGER_ON_NETWORK: EXIT.usage,
  LEDGER_NEWER: EXIT.ledgerUnreadable,
  LEDGER_MIGRATION_FAILED: EXIT.ledgerUnreadable,
  LEDGER_NOT_DURABLE: EXIT.ledgerUnreadable,
  LEDGER_READABLE_BY_OTHERS: EXIT.usage,
  SETTINGS_INVALID: EXIT.usage,
  CONFIGURATION: EXIT.usage,
  USAGE: EXIT.usage,
  CHANGED_MEANWHILE: EXIT.attention,
  INTERRUPTED: EXIT.interrupted,
};

/** Says on standard error what went wrong and what to do, and gives the exit code for it. */
export function report(error: unknown): ExitCode {
  if (error instanceof TransferError) {
    process.stderr.write(`referry: ${error.code}: ${visibleLines(error.message)}\n`);
    if (error.hint !== undefined) process.stderr.write(`  what to do: ${visibleLines(error.hint)}\n`);
    return EXITS[error.code] ?? EXIT.unreachable;
  }
  if (error instanceof Error && error.name === 'AbortError') {
    process.stderr.write('referry: interrupted; nothing is lost, the next run goes on where this one stopped\n');
    return EXIT.interrupted;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`referry: an error of referry itself: ${text}\n`);
  return EXIT.internal;
}

let dying = false;

/** The same for an error that nobody caught, or the refusal of a promise that nobody waited for: always an internal error. */
export function reportUncaught(error: unknown): ExitCode {
  // Standard error itself may be what fails.
  if (dying) return EXIT.internal;
  dying = true;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`referry: INTERNAL: an error of referry itself that nobody caught: ${text}\n`);
  process.stderr.write(
    '  what to do: nothing is lost, the next start goes on where this one stopped; please report it with these lines\n',
  );
  return EXIT.internal;
}
