import { describe, it } from 'vitest';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { checkInvariants, type History, remember, startHistory } from './support/e2e-crash.ts';
import { crashFiles, seeded } from './support/e2e-crash-files.ts';
import { liveOn, randomFaults, randomKill } from './support/e2e-crash-lives.ts';
import { watchAsPartner } from './support/e2e-crash-watch.ts';
import { backdateSchedule, timesTold } from './support/e2e-daemon.ts';
import { openWorld, type World } from './support/e2e-world.ts';

/** `CRASH_KILLS=2000` soaks; `CRASH_SEED=...` plays one story again. */
const KILLS = Number(process.env.CRASH_KILLS ?? 8);
const SEED = process.env.CRASH_SEED ?? `${Date.now()}`;
const WINDOW = 8;
const LIVES = 8;

interface Plan {
  /** Whether verify-dedupe has found that known keys are dropped. */
  verified: boolean;
  daemon: boolean;
  /** Share of the events that are answered badly. */
  faults: number;
}

const PLANS: readonly Plan[] = [
  { verified: true, daemon: false, faults: 0.35 },
  { verified: false, daemon: false, faults: 0.2 },
  { verified: true, daemon: true, faults: 0.2 },
  { verified: false, daemon: true, faults: 0 },
];

describe('a process that is killed at any time, by a destination that lies', () => {
  for (const plan of PLANS) {
    const name = `${plan.daemon ? 'daemon' : 'run'}, ${plan.verified ? 'resending' : 'holding'} what is unknown`;
    it(`C-random: ${name}: nothing lost, nothing twice, exact results`, {
      timeout: 60_000 + KILLS * 4000,
    }, async () => {
      let kills = 0;
      for (let story = 1; kills < KILLS / PLANS.length; story++) kills += await tell(`${SEED}-${name}-${story}`, plan);
    });
  }
});

/** One ledger from its first file to its last, with deaths in between. Returns how many. */
async function tell(seed: string, plan: Plan): Promise<number> {
  const random = seeded(seed);
  const world = await openWorld();
  try {
    const history = startHistory(world, crashFiles(36), WINDOW);
    await prepare(world, history, plan);
    const partner = watchAsPartner(`${world.served}/results`);
    const started = performance.now();
    await liveOn(history, {
      start: () => (plan.daemon ? bornAgain(world) : world.start(['run', 'feed', '--json'])),
      kill: () => randomKill(random, 12, 1500),
      faults: () => (plan.faults > 0 ? randomFaults(random, plan.faults) : undefined),
      peaceAfter: LIVES,
    });
    const findings = checkInvariants(history, { resends: plan.verified });
    const { complaints } = partner.stop();
    if (complaints.length > 0) throw new Error(`the partner saw: ${complaints.join(', ')}`);
    if (process.env.CRASH_KILLS !== undefined) {
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      const { extraCopies, held } = findings;
      console.log(
        `${seed}: ${history.kills} kills, ${world.requests().length} requests, ${extraCopies} extra copies, ${held} held, ${seconds} s`,
      );
    }
    await world.close();
    return history.kills;
  } catch (error) {
    throw new Error(`CRASH_SEED=${SEED}, the story ${seed}, its files are in ${world.root}`, { cause: error });
  }
}

async function prepare(world: World, history: History, plan: Plan): Promise<void> {
  world.job('feed', {
    schedule: '0 3 * * *',
    delivery: { window: WINDOW, maxAttempts: 100, maxAmbiguous: 100, concurrency: { start: 4, max: 8 } },
  });
  // Either command makes the ledger.
  const first = plan.verified ? ['verify-dedupe', 'feed', '--settle', '20ms'] : ['run', 'feed', '--json'];
  remember(history, await world.cli(first));
  for (const [i, { name, text }] of history.files.entries()) world.drop(name, text, 100 - i);
}

/** A daemon that missed its tick while it was dead, so that it starts with the job. It is stopped once that is done. */
function bornAgain(world: World): CliProcess {
  backdateSchedule(world, 'feed', 3 * 86_400_000);
  const daemon = world.start(['daemon']);
  let over = false;
  void daemon.done.then(() => {
    over = true;
  });
  void until('the daemon to be through', () => over || timesTold(daemon, 'run ended') > 0, 20_000).then(
    () => daemon.kill('SIGTERM'),
    () => daemon.kill('SIGKILL'),
  );
  return daemon;
}
