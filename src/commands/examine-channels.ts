import type { Job } from '../jobs/schema.ts';
import { placeOf } from '../notices/open.ts';
import { type ChannelSettings, nameOf } from '../notices/settings.ts';
import type { Step } from './examine.ts';

/** What can be said of the channels of a job without sending anything. */
export function examineChannels(job: Job): Step[] {
  return (job.notify ?? []).map((channel): Step => {
    const step = `channel ${nameOf(channel)}`;
    const detail = `${placeOf(channel)}; its settings are good`;
    const hint = `referry notify-test ${job.id} sends a test message`;
    return isOpen(channel)
      ? { step, verdict: 'warn', detail: `${detail}, but what it sends is not encrypted on the way`, hint }
      : { step, verdict: 'ok', detail, hint };
  });
}

const HERE = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Readable on the way, to a place beyond this machine. STARTTLS is left to the mail server where there is no password. */
function isOpen({ slack, webhook, pagerduty }: ChannelSettings): boolean {
  const url = slack?.url ?? webhook?.url ?? pagerduty?.url;
  if (url === undefined) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !HERE.test(hostname);
}
