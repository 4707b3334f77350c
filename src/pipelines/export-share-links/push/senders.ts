import { createBraze } from '../../../destinations/braze/braze.ts';
import { createHubspot } from '../../../destinations/hubspot/hubspot.ts';
import { createIterable } from '../../../destinations/iterable/iterable.ts';
import { createKlaviyo } from '../../../destinations/klaviyo/klaviyo.ts';
import type { ProfileSender } from '../../../destinations/profile.ts';
import { createSfmc } from '../../../destinations/sfmc/sfmc.ts';
import type { PushTarget } from '../../../jobs/push-targets.ts';
import { type Io, TransferError } from '../../../model.ts';

/** An opened way to a target. */
export interface PushSender extends ProfileSender {
  /** Makes what the tool lacks for these fields, where it can. Throws `TransferError`. */
  prepare(fields: readonly string[], signal: AbortSignal): Promise<void>;
}

const NOTHING = async (): Promise<void> => {};

/** The tools that can be pushed to. A new one is a folder in `destinations`, settings in `jobs/push-targets.ts`, and a line here. */
export function openSender(target: PushTarget, io: Io): PushSender {
  switch (target.provider) {
    case 'hubspot':
      return hubspotSender(target, io);
    case 'sfmc':
      return { ...createSfmc(target, io), prepare: NOTHING };
    case 'klaviyo':
      return { ...createKlaviyo(target, io), prepare: NOTHING };
    case 'iterable':
      return { ...createIterable(target, io), prepare: NOTHING };
    case 'braze':
      return { ...createBraze(target, io), prepare: NOTHING };
  }
}

function hubspotSender(target: Extract<PushTarget, { provider: 'hubspot' }>, io: Io): PushSender {
  const hubspot = createHubspot(target, io);
  return {
    ...hubspot,
    async prepare(fields, signal) {
      if (!target.createProperties) return;
      try {
        await hubspot.ensureProperties(
          fields.map((name) => ({ name, label: labelOf(name) })),
          signal,
        );
      } catch (error) {
        // The token may make none, and they may be there: if they are not, the first call says so.
        if (!(error instanceof TransferError) || error.retryable) throw error;
        io.log.info({ code: error.code, hint: error.hint }, error.message);
      }
    },
  };
}

/** `share_link` is shown as `Share link`. */
function labelOf(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
