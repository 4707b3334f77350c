import { afterEach, expect, it } from 'vitest';
import { type LaneWorld, openLaneWorld } from './support/lane-world.ts';

let lane: LaneWorld;

afterEach(async () => {
  await lane.world.close();
});

interface Doctor {
  ok: boolean;
  examined: { subject: string; steps: { step: string; verdict: string; detail: string }[] }[];
}

async function laneSteps(subject: RegExp): Promise<{ ok: boolean; steps: string[] }> {
  const { json } = await lane.world.cli(['doctor', 'feed', '--json']);
  const report: Doctor = JSON.parse(JSON.stringify(json()));
  const steps = report.examined.find((each) => subject.test(each.subject))?.steps ?? [];
  return { ok: report.ok, steps: steps.map(({ step, verdict, detail }) => `${verdict} ${step} ${detail}`) };
}

it("doctor lists Extole's folders, says which come later, and writes nothing there", async () => {
  lane = await openLaneWorld({ lane: 'sftp' });
  const { ok, steps } = await laneSteps(/SFTP server/);
  expect(ok).toBe(true);
  expect(steps).toEqual([
    expect.stringMatching(/^ok reach/),
    expect.stringMatching(/^ok host-key/),
    expect.stringMatching(/^ok login/),
    expect.stringMatching(/^ok list \.: 0 files/),
    'warn list results: is not there yet; Extole makes it with the first file',
    'warn list archive: is not there yet; Extole makes it with the first file',
  ]);
  expect(lane.atExtole('')).toEqual([]);
});

it('doctor asks the files API for the lane batch, and the folder for the lane folder', async () => {
  lane = await openLaneWorld({ lane: 'batch' });
  lane.job({}, { destination: { extole: { lane: 'batch', sftp: null } } });
  expect(await laneSteps(/files API/)).toEqual({ ok: true, steps: ['ok files /v6/files can be listed'] });
  lane.job(
    {},
    { destination: { extole: { lane: 'folder', sftp: null, folder: { path: `${lane.world.root}/by-hand` } } } },
  );
  const { steps } = await laneSteps(/uploads by hand/);
  expect(steps).toEqual([expect.stringMatching(/^warn .*by-hand: is not there yet; the first run makes it/)]);
});
