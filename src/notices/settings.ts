import * as z from 'zod';
import { NOTICE_KINDS } from './kinds.ts';

/** A URL with one of some schemes. The message never repeats the URL: it may hold a secret. */
const url = (schemes: readonly string[]) =>
  z.string().superRefine((text, context) => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    if (parsed && schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '') return;
    const message = `a URL is needed that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
    context.addIssue({ code: 'custom', message });
  });

const http = url(['https', 'http']);
const address = z.string().regex(/^[^\s@<>]+@[^\s@<>]+$/, 'one e-mail address is needed, such as ops@example.com');

const allowPrivateAddresses = z
  .boolean()
  .default(false)
  .describe(
    'Let the URL lead into a private network (10.0.0.0/8 and the like). Refused otherwise, whatever DNS says; 127.0.0.1, localhost and [::1] may stand in the URL itself.',
  );

const KINDS = ['slack', 'email', 'webhook', 'pagerduty'] as const;

/** One way to tell people. Exactly one of the kinds stands in it. */
export const channelSettings = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a name has 1 to 32 small letters, digits or dashes')
      .optional()
      .describe('What the channel is called in the log and in status. Default: its kind.'),
    slack: z
      .strictObject({ url: http.describe('The incoming webhook; a secret.'), allowPrivateAddresses })
      .optional()
      .describe('A Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat).'),
    email: z
      .strictObject({
        smtp: url(['smtp', 'smtps']).describe(
          'The mail server, smtp://user:password@host:587 (STARTTLS is required when a password is given) or smtps://…:465; a secret.',
        ),
        from: address.describe('The sender.'),
        to: z
          .union([address, z.array(address).min(1)])
          .transform((to) => [to].flat())
          .describe('The readers.'),
      })
      .optional()
      .describe('E-mail.'),
    webhook: z
      .strictObject({
        url: http.describe('Where the notice is posted as JSON.'),
        secret: z
          .string()
          .min(16, 'a secret of at least 16 characters is needed')
          .describe('Signs the body: X-Referry-Signature: t=<unix time>,v1=<HMAC-SHA256 of t.body, hex>.'),
        allowPrivateAddresses,
      })
      .optional()
      .describe('Any HTTP endpoint; signed.'),
    pagerduty: z
      .strictObject({
        routingKey: z.string().min(1).describe('The integration key of the service (Events API v2); a secret.'),
        url: http
          .default('https://events.pagerduty.com/v2/enqueue')
          .describe('The endpoint. Default https://events.pagerduty.com/v2/enqueue.'),
        allowPrivateAddresses,
      })
      .optional()
      .describe('PagerDuty, Events API v2: an incident is opened, and resolved when the matter is.'),
    events: z
      .array(z.enum(NOTICE_KINDS))
      .min(1)
      .optional()
      .describe(
        'What to tell: only these. imbalance is always told. Default: everything but success, which is told where it is named here.',
      ),
    perHour: z
      .int()
      .min(1)
      .max(1000)
      .default(20)
      .describe('The most messages an hour; what comes beyond is told in one summary. Default 20.'),
  })
  .superRefine((channel, context) => {
    const kinds = KINDS.filter((kind) => channel[kind] !== undefined);
    if (kinds.length === 1) return;
    const found = kinds.length === 0 ? 'none' : kinds.join(' and ');
    const message = `each entry of notify names one of ${KINDS.join(', ')}; found ${found}`;
    context.addIssue({ code: 'custom', message });
  });

export type ChannelSettings = z.output<typeof channelSettings>;
export type ChannelKind = (typeof KINDS)[number];

export function kindOf(channel: ChannelSettings): ChannelKind {
  const kind = KINDS.find((each) => channel[each] !== undefined);
  if (kind === undefined) throw new Error('a channel without a kind went past the schema');
  return kind;
}

export const nameOf = (channel: ChannelSettings): string => channel.name ?? kindOf(channel);

/** Who is told, and of what. */
export const notifySettings = z
  .array(channelSettings)
  .superRefine((channels, context) => {
    const names = channels.map((channel) => channel.name ?? KINDS.find((kind) => channel[kind] !== undefined) ?? '');
    for (const [i, name] of names.entries()) {
      if (names.indexOf(name) === i) continue;
      const message = `there are two channels called ${name}; give one of them a name of its own`;
      context.addIssue({ code: 'custom', path: [i, 'name'], message });
    }
  })
  .describe(
    'Who is told when something needs a person, and again when it is solved: slack, email, webhook or pagerduty. Default: the list in notify.yaml beside the job files, if there is one.',
  );
