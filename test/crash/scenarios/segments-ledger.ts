import { csv, row } from '../../integration/support/e2e-rows.ts';
import { operationsAt } from '../check-members.ts';
import { isThrough } from '../facts.ts';
import { complain } from '../history.ts';
import { IN_A_SYNC, isSynced, range, segmentsJob } from '../members.ts';
import type { Scenario, Story } from '../scenario.ts';

const SEGMENT = 'lately';
const MATCHES = { feed: 'a-*.csv', more: 'b-*.csv' } as const;
type Feed = keyof typeof MATCHES;

/** Who should be in it at the end of each chapter, and how many operations the target had taken by then. */
interface Chapter {
  wanted: ReadonlySet<string>;
  operations: number;
}
const chapters = new WeakMap<object, Chapter[]>();

const names = (numbers: readonly number[]): string[] => numbers.map((n) => `user-${n}`);

/** Accounts of these people are opened. */
async function opened(story: Story, job: Feed, name: string, members: readonly number[]): Promise<void> {
  const rows = members.map((n) => row(`${name}-${n}`, { member: `user-${n}` }));
  story.drop({ name: `${name}.csv`, text: csv(rows) }, { job });
  await story.live(['run', job, '--json'], { kills: 1, until: isThrough });
}

function takesOf(story: Story, ...jobs: Feed[]): void {
  const ledger = { jobs, events: ['account_opened'], days: 30 };
  const own = { members: { from: 'ledger', ledger }, segments: { [SEGMENT]: 'Lately' }, source: { match: null } };
  story.job({ ...segmentsJob(story, 'snapshot'), file: null, ...own }, 'segments');
}

/** Runs the job of the segment until its next file is through. */
async function synced(story: Story, wanted: readonly number[]): Promise<void> {
  const { world } = story;
  const before = chapters.get(world) ?? [];
  await story.live(['run', 'segments', '--json'], {
    kills: 4,
    until: (facts) =>
      isSynced(facts) &&
      (facts.ledger?.processings ?? []).filter(({ job, state }) => job === 'segments' && state === 'closed').length >
        before.length,
  });
  const operations = operationsAt(world).length;
  chapters.set(world, [...before, { wanted: new Set(names(wanted)), operations }]);
}

/** Who was delivered becomes a segment; then one of the jobs counts no more. Nobody comes or goes but by that. */
export const scenario: Scenario = {
  name: 'segments-ledger',
  about: 'a segment of people whose rows were delivered, out of the staged files of two jobs',
  reaches: { run: [...IN_A_SYNC, 'members-gathered'] },
  world: { remote: 'local', tools: ['cohorts'] },
  rules: { by: 'person', jobs: 3 },
  faults: { extole: 0.15 },
  async check({ history }) {
    const { world } = history;
    const found = new Set(Object.keys(await world.servers.stored('cohorts')));
    const told = chapters.get(world) ?? [];
    const wanted = new Set([...(told.at(-1)?.wanted ?? [])].map((member) => `${SEGMENT} ${member}`));
    for (const each of wanted)
      if (!found.has(each)) complain(history, 'lost', 'I1', `the target should have ${each}, and has not`);
    for (const each of found)
      if (!wanted.has(each)) complain(history, 'phantom', 'I2', `the target has ${each}, and should not`);
    const operations = operationsAt(world);
    for (const [i, { wanted: now, operations: end }] of told.entries()) {
      const earlier = told[i - 1];
      for (const { member, action } of operations.slice(earlier?.operations ?? 0, end)) {
        const [was, is] = [earlier?.wanted.has(member) ?? false, now.has(member)];
        if ((action === 'add' && is && !was) || (action === 'remove' && was && !is)) continue;
        complain(history, 'phantom', 'I2', `${member}: ${action}, where it was ${was} and is ${is}`);
      }
    }
  },
  async tell(story) {
    for (const [job, match] of Object.entries(MATCHES)) story.job({ source: { match } }, job);
    takesOf(story, 'feed', 'more');
    await opened(story, 'feed', 'a-1', range(0, 6));
    await opened(story, 'more', 'b-1', range(4, 9));
    await synced(story, range(0, 9));
    await opened(story, 'feed', 'a-2', range(5, 12));
    await synced(story, range(0, 12));
    takesOf(story, 'feed');
    await synced(story, range(0, 12));
    takesOf(story, 'more');
    await synced(story, range(4, 9));
  },
};
