import type { ExportTarget } from '../../jobs/export-targets.ts';
import type { PushTarget } from '../../jobs/push-targets.ts';
import type { LinkPlace } from '../../ledger/links.ts';
import type { RunContext } from '../files/context.ts';

/** What the steps after the rows need of a run. */
export interface AfterContext
  extends Pick<RunContext, 'ledger' | 'io' | 'signal' | 'staging' | 'remote' | 'logins' | 'progress' | 'crashPoint'> {
  job: {
    id: string;
    exports: readonly ExportTarget[];
    push: readonly PushTarget[];
    report: { to: string; encryptTo?: readonly string[] | undefined };
  };
  /** Whose links. */
  links: LinkPlace;
}
