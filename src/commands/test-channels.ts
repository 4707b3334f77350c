import { randomBytes } from 'node:crypto';
import type { Io } from '../model.ts';
import type { Sent } from '../notices/message.ts';
import { openChannel, placeOf } from '../notices/open.ts';
import { type ChannelSettings, nameOf } from '../notices/settings.ts';
import { testBody } from '../notices/texts.ts';
import { readJob } from '../schedule/jobs.ts';
import type { Settings } from '../settings.ts';

export interface TriedChannel {
  name: string;
  /** Where it leads, without what is secret in it. */
  place: string;
  ok: boolean;
  problem?: string;
}

/** Sends one message through each channel of a job. */
export async function testChannels(id: string, settings: Settings, io: Io): Promise<TriedChannel[]> {
  const job = await readJob(settings.jobs, id, io.env);
  return await Promise.all(
    (job.notify ?? []).map(async (channel): Promise<TriedChannel> => {
      const sent = await tryChannel(job.id, channel, io);
      const tried = { name: nameOf(channel), place: placeOf(channel), ok: sent.kind === 'sent' };
      return sent.kind === 'sent' ? tried : { ...tried, problem: sent.problem };
    }),
  );
}

async function tryChannel(job: string, settings: ChannelSettings, io: Io): Promise<Sent> {
  const id = `test-${randomBytes(6).toString('hex')}`;
  await using channel = await openChannel(settings, io);
  return await channel.send({ ...testBody(job, nameOf(settings), io.now()), id, subject: id });
}
