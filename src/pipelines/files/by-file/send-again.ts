import { eventNamesOf } from '../../../ledger/upload-rows.ts';
import type { Upload } from '../../../ledger/uploads.ts';
import { resendRule } from '../resend-rule.ts';
import type { CarrierContext } from './carrier.ts';

/** Whether a file that may have been taken may be sent again: for each of its event names the destination drops a key it has. */
export function maySendAgain(ctx: CarrierContext, upload: Upload): boolean {
  const resend = resendRule(ctx);
  return eventNamesOf(ctx.ledger, upload).every((eventName) => resend({ eventName }));
}
