import * as z from 'zod';

const KEY = z.string().min(8, 'a key has at least 8 characters: openssl rand -hex 32 makes a good one').max(4096);

/** One key, or two while the sender changes from one to the other. */
const keys = (what: string): z.ZodType<string[], string | string[]> =>
  z
    .union([KEY, z.array(KEY).min(1).max(5)])
    .transform((written) => [written].flat())
    .describe(
      `${what} By reference: "\${env:NAME}" or "\${file:/path}". A list where it is being changed: each of them is good.`,
    );

/** Whether the daemon takes share links that Extole posts. */
export const receiveLinksSettings = z
  .strictObject({
    keyType: z
      .enum(['hs256', 'password', 'basic'])
      .default('hs256')
      .describe(
        'The type of the key in Extole: hs256 signs each request, password is a bearer token, basic is HTTP Basic. Default hs256: a signature is worth nothing to who reads it in a log.',
      ),
    key: keys('The client key of the webhook in Extole; for basic USER:PASSWORD.'),
  })
  .superRefine(({ keyType, key }, context) => {
    if (keyType === 'basic' && !key.every((each) => each.includes(':')))
      context.addIssue({ code: 'custom', path: ['key'], message: 'the key of basic is USER:PASSWORD' });
  })
  .describe(
    'Take share links as they are made: Extole posts them to /webhooks/ and the id of this job, at the address in REFERRY_LISTEN or REFERRY_RECEIVE. Without it, the daemon takes none.',
  );

/** Whether the daemon takes pages of a segment that Heap posts. */
export const receiveMembersSettings = z
  .strictObject({ key: keys('The secret of the webhook, as Heap shows it when the webhook is made.') })
  .describe(
    'Take changes of segments from Heap: it posts them to /webhooks/ and the id of this job, at the address in REFERRY_LISTEN or REFERRY_RECEIVE. Without it, the daemon takes none.',
  );

export type ReceiveLinks = z.output<typeof receiveLinksSettings>;
export type ReceiveMembers = z.output<typeof receiveMembersSettings>;
