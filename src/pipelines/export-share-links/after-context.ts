import type { ExportTarget } from '../../jobs/export-targets.ts';
import type { PushTarget } from '../../jobs/push-targets.ts';
import type { LinkPlace } from '../../ledger/links.ts';
import type { RunContext } from '../files/context.ts';
import type { CustomerColumns } from './customer-columns.ts';

/** What the steps after the rows need of a run. */
export interface AfterRun
  extends Pick<
    RunContext,
    'ledger' | 'io' | 'signal' | 'staging' | 'remote' | 'keys' | 'logins' | 'progress' | 'crashPoint'
  > {
  job: {
    id: string;
    /** What columns are called in texts, where that is not their own name. */
    customers: { columns: Readonly<Record<string, string>> };
    exports: readonly ExportTarget[];
    push: readonly PushTarget[];
    /** Milliseconds that a profile may fail before it is given up. */
    failed: { maxAge: number };
    report: { to: string; encryptTo?: readonly string[] | undefined };
  };
  /** Whose links. */
  links: LinkPlace;
}

export interface AfterContext extends AfterRun {
  columns: CustomerColumns;
}
