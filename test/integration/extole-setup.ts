import { deliverySettings } from '../../src/delivery/settings.ts';
import {
  createExtole,
  type EventLane,
  type ExtoleSender,
  type OpenOptions,
} from '../../src/destinations/extole/extole.ts';
import { type ExtoleSettings, extoleSettings } from '../../src/destinations/extole/settings.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer, Outgoing } from '../../src/model.ts';
import { type ExtoleOptions, type ExtoleStandIn, SANDBOX_TOKEN, startExtole } from '../../src/sandbox/extole/server.ts';

export const io = realIo(createLog('silent'));

const opened: (() => Promise<void>)[] = [];

/** Call after each test. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

export async function standIn(options: Partial<ExtoleOptions> = {}): Promise<ExtoleStandIn> {
  const server = await startExtole({ io, keep: true, requestsPerMinute: Number.POSITIVE_INFINITY, ...options });
  opened.push(() => server.close());
  return server;
}

let tokens = 0;

/** A token of its own for each test, since the pace of a token is shared in the process. */
export function settingsFor(server: ExtoleStandIn, input: object = {}): ExtoleSettings {
  tokens += 1;
  const token = `${SANDBOX_TOKEN}-${tokens}`;
  const settings = extoleSettings.parse({
    account: 'acme',
    token,
    apiUrl: server.url,
    eventsUrl: server.url,
    requestsPerMinute: 600_000,
    verify: { settle: '150ms', patience: '600ms', poll: '20ms' },
    ...input,
  });
  server.setTokens([settings.token]);
  return settings;
}

export function openSender(
  settings: ExtoleSettings,
  lane: EventLane = 'async-events',
  options: OpenOptions & { timeout?: { headers: string; total: string } } = {},
): ExtoleSender {
  const { timeout, ...open } = options;
  const sender = createExtole(settings, deliverySettings.parse(timeout ? { timeout } : {}), io).open(lane, open);
  opened.push(() => sender.close());
  return sender;
}

let rows = 0;

export function row(key: string, eventName = 'account_opened'): Outgoing {
  rows += 1;
  const data = { email: `${key}@example.com`, partner_user_id: `m-${key}` };
  return {
    attemptId: `attempt-${rows}`,
    event: { line: rows + 1, key, eventName, eventTime: '2026-11-20T14:03:00Z', data },
  };
}

export function send(sender: ExtoleSender, outgoing: Outgoing): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sender.send([outgoing], ([answer]) => (answer ? resolve(answer) : reject(new Error('no answer'))));
  });
}
