import type { Definition } from '../../../jobs/definition.ts';
import { isCustomers } from '../../../mapping/compile.ts';

/** The name under which all rows of a file are uploaded; `undefined`: each under its own. */
export function uploadedAs({ event }: Pick<Definition, 'event'>): string | undefined {
  return isCustomers(event) ? event.uploadedAs : undefined;
}

/** The name under which the ledger has the keys of rows that were uploaded so. */
export function ledgerName({ event }: Pick<Definition, 'event'>, uploaded: string): string {
  return isCustomers(event) && event.uploadedAs === uploaded ? event.name : uploaded;
}
