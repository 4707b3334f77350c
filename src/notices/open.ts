import type { Io } from '../model.ts';
import type { Channel } from './message.ts';
import { type ChannelSettings, nameOf } from './settings.ts';

/** Opens a channel by its kind; what a kind needs is loaded when it is used. */
export async function openChannel(settings: ChannelSettings, io: Io): Promise<Channel> {
  const { slack, email, webhook, pagerduty } = settings;
  if (slack) return (await import('./slack.ts')).openSlack(slack, io);
  if (email) return (await import('./email.ts')).openEmail(email);
  if (webhook) return (await import('./webhook.ts')).openWebhook(webhook, io);
  if (pagerduty) return (await import('./pagerduty.ts')).openPagerduty(pagerduty, io);
  throw new Error(`the channel ${nameOf(settings)} is of no kind`);
}

/** Where a channel leads, without what is secret in it: for `doctor` and the log. */
export function placeOf({ slack, email, webhook, pagerduty }: ChannelSettings): string {
  if (slack) return `Slack-compatible webhook at ${new URL(slack.url).host}`;
  if (email)
    return `mail through ${new URL(email.smtp).host} to ${email.to.length === 1 ? 'one address' : `${email.to.length} addresses`}`;
  if (webhook) return `signed webhook at ${new URL(webhook.url).host}`;
  return `PagerDuty at ${new URL(pagerduty?.url ?? '').host}`;
}
