import { createInterface } from 'node:readline';
import { createLog, realIo } from '../src/io.ts';
import type { Io } from '../src/model.ts';
import { startBraze } from '../src/sandbox/braze/server.ts';
import { startHubspot } from '../src/sandbox/hubspot/server.ts';
import { startIterable } from '../src/sandbox/iterable/server.ts';
import { startKlaviyo } from '../src/sandbox/klaviyo/server.ts';
import { startSfmc } from '../src/sandbox/sfmc/server.ts';
import type { StandIn } from '../src/sandbox/stand-in.ts';

/**
 * The stand-in of one tool in a process of its own, with the limit under which the push is measured: `push-server.ts <tool>`. Prints a
 * JSON line with its address when ready, and one with its counts for each line of standard input; ends with that.
 */
type Started = { standIn: StandIn; stored(): number };

const STARTS: Readonly<Record<string, (io: Io) => Promise<Started>>> = {
  async hubspot(io) {
    const standIn = await startHubspot({ io, limits: { requests: 190, windowMs: 10_000 } });
    for (const property of ['share_link', 'share_code'])
      standIn.contacts.define({
        ...{ name: property, label: property, type: 'string', fieldType: 'text' },
        ...{ groupName: 'contactinformation', hasUniqueValue: false },
      });
    return { standIn, stored: () => standIn.contacts.all().length };
  },
  async sfmc(io) {
    const standIn = await startSfmc({ io, limits: { requestsPerMinute: 120 } });
    return { standIn, stored: () => standIn.rows.size };
  },
  async klaviyo(io) {
    const standIn = await startKlaviyo({ io });
    return { standIn, stored: () => standIn.profiles.all().length };
  },
  async iterable(io) {
    const standIn = await startIterable({ io, project: { fields: { share_link: 'string', share_code: 'string' } } });
    return { standIn, stored: () => standIn.project.users.size };
  },
  async braze(io) {
    const standIn = await startBraze({ io, limits: { requests: 150, windowMs: 3000 } });
    return { standIn, stored: () => standIn.users.size };
  },
  'braze-cohorts': (io) => startCohorts(io, 0),
  /** As far away as a provider is. */
  'braze-cohorts-far': (io) => startCohorts(io, 50),
};

async function startCohorts(io: Io, afterMs: number): Promise<Started> {
  const known = Array.from(
    { length: 100_000 },
    (_, n) => `external_id member-${((n * 7919) % 99_999_989).toString(36)}-${n}`,
  );
  const cohorts = { partner: 'heap', partnerApiKey: 'partner-key', clientSecret: 'import-key' };
  const slow = { kind: 'slow', ms: afterMs } as const;
  const standIn = await startBraze({ io, known, cohorts, ...(afterMs > 0 ? { faults: () => slow } : {}) });
  return { standIn, stored: () => standIn.cohorts.get('vip')?.members.size ?? 0 };
}

const tool = process.argv[2] ?? '';
const start = STARTS[tool];
if (start === undefined) throw new Error(`there is no ${tool}; there is ${Object.keys(STARTS).join(', ')}`);
const { standIn, stored } = await start(realIo(createLog('silent')));
process.stdout.write(`${JSON.stringify({ url: standIn.url })}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  const { received } = standIn;
  const throttled = received.filter(({ status }) => status === 429).length;
  const times = received.flatMap(({ method, at }) => (method === 'GET' ? [] : [Date.parse(at)]));
  const betweenMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  // As many pauses as calls: the last call has one after it, too.
  const wireMs = (betweenMs * times.length) / Math.max(1, times.length - 1);
  process.stdout.write(`${JSON.stringify({ calls: received.length, throttled, stored: stored(), wireMs })}\n`);
}
process.exit(0);
