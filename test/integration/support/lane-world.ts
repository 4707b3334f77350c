import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExtoleFolder } from '../../../src/sandbox/extole/sftp-folder.ts';
import { readResults } from './e2e-results.ts';
import { openWorld, type World, type WorldOptions } from './e2e-world.ts';

/** A world with a job `feed` on one of the lanes that send whole files; it looks often, so that tests are quick. */
export interface LaneWorld {
  world: World;
  folder: ExtoleFolder;
  /** Lines of a results file of ours. */
  results(name?: string): ReturnType<typeof readResults>;
  /** Names in a folder underneath Extole's /events; '' for itself. */
  atExtole(folder: string): string[];
  /** Text of the only file in Extole's archive. */
  archived(): string;
  /** Writes the job again, with other upload settings or another part replaced. */
  job(upload: object, change?: object): void;
}

export interface LaneOptions extends WorldOptions {
  lane: 'sftp' | 'batch' | 'folder';
  upload?: object;
  job?: object;
}

const QUICK = { wait: '10s', poll: '100ms', stable: '250ms' };

export async function openLaneWorld({ lane, upload = {}, job = {}, ...options }: LaneOptions): Promise<LaneWorld> {
  const world = await openWorld({ ...options, extoleSftp: { hasty: true, ...options.extoleSftp } });
  const { extoleSftp } = world;
  if (!extoleSftp) throw new Error('there is no SFTP server of Extole');
  const write = (own: object, change: object = {}): void =>
    world.job('feed', {
      destination: {
        extole: {
          lane,
          sftp: extoleSftp.settings,
          folder: { path: join(world.root, 'by-hand') },
          batch: { settle: '300ms' },
          upload: { ...QUICK, ...own },
        },
      },
      ...change,
    });
  write(upload, job);
  const atExtole = (folder: string): string[] => {
    const path = join(extoleSftp.root, 'events', folder);
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();
  };
  return {
    world,
    folder: extoleSftp.folder,
    results: (name = 'a.csv.results.csv') => readResults(world.read(`results/${name}`)),
    atExtole,
    archived: () => {
      const [name = '', ...more] = atExtole('archive');
      if (more.length > 0) throw new Error(`more than one file: ${name}, ${more}`);
      return readFileSync(join(extoleSftp.root, 'events/archive', name), 'utf8');
    },
    job: write,
  };
}
