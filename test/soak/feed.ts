import { createHash } from 'node:crypto';
import { encryptTo, type KeyFiles } from '../integration/support/e2e-pgp.ts';
import { JOBS, type JobName } from './jobs.ts';

/** What must become of a line of a file. `once`: of all lines with this key one is delivered, and the others are duplicates. */
export type Expected = { kind: 'rejected' } | { kind: 'once'; key: string };

export interface DroppedFile {
  job: JobName;
  name: string;
  bytes: Buffer;
  /** expected[i] is that of line i + 2. */
  expected: Expected[];
  /** The contents of an earlier file again: no row of it is delivered by it. */
  repeats?: string;
}

interface FeedOptions {
  random: () => number;
  pgp: KeyFiles;
  /** Rows of a file, about. */
  rows: number;
}

/**
 * Files as partners drop them, and what must become of each line, known from how they were made. Some lines are torn, some
 * repeat a line of their file, some one of an earlier file, and some files come twice.
 */
export function createFeed({ random, pgp, rows }: FeedOptions) {
  const history = new Map<JobName, DroppedFile[]>(JOBS.map((job) => [job, []]));
  const lines = new Map<string, string>();
  let made = 0;
  let keys = 0;

  function newLine(): { key: string; text: string } {
    keys += 1;
    // As random as partners' ids are: the index over keys is written everywhere, and not at its end only.
    const key = createHash('sha256').update(`soak ${keys}`).digest('hex').slice(0, 20);
    const at = new Date(Date.now() - 3_600_000).toISOString();
    const text = `${key},${key}@private.example,M-${key},${at},${(keys % 9000) + 1}.25`;
    lines.set(key, text);
    return { key, text };
  }

  async function packed(job: JobName, text: string): Promise<Buffer> {
    return job === 'sealed' ? encryptTo(pgp, text) : Buffer.from(text);
  }

  /** A file of `count` rows, of which all are good. */
  async function plain(job: JobName, count: number): Promise<DroppedFile> {
    const expected: Expected[] = [];
    const records: string[] = [];
    for (let i = 0; i < count; i++) {
      const { key, text } = newLine();
      records.push(text);
      expected.push({ kind: 'once', key });
    }
    return finish(job, records, expected);
  }

  async function finish(job: JobName, records: string[], expected: Expected[]): Promise<DroppedFile> {
    made += 1;
    const bytes = await packed(job, `id,email,member,at,amount\n${records.join('\n')}\n`);
    const name = `${job}-${String(made).padStart(5, '0')}.csv${job === 'sealed' ? '.pgp' : ''}`;
    const file = { job, name, bytes, expected };
    history.get(job)?.push(file);
    return file;
  }

  /** A file as they mostly are. */
  async function usual(job: JobName): Promise<DroppedFile> {
    const earlier = history.get(job) ?? [];
    const old = earlier[Math.floor(random() * Math.max(0, earlier.length - 20))];
    if (old && job !== 'quotes' && random() < 0.05) {
      made += 1;
      const name = old.name.replace(/-\d+/, `-${String(made).padStart(5, '0')}`);
      return { ...old, name, repeats: old.repeats ?? old.name };
    }
    const count = Math.max(1, Math.round(rows * (0.5 + random())));
    if (job === 'quotes') return plain(job, count);
    const records: string[] = [];
    const expected: Expected[] = [];
    for (let i = 0; i < count; i++) {
      const dice = random();
      const former = dice < 0.01 ? expected[Math.floor(random() * i)] : old?.expected[Math.floor(random() * 5)];
      if (dice < 0.02 && former?.kind === 'once') {
        records.push(lines.get(former.key) ?? '');
        expected.push(former);
      } else if (dice < 0.03) {
        records.push('torn,record');
        expected.push({ kind: 'rejected' });
      } else {
        const { key, text } = newLine();
        records.push(text);
        expected.push({ kind: 'once', key });
      }
    }
    return finish(job, records, expected);
  }

  return { plain, usual };
}

export type Feed = ReturnType<typeof createFeed>;
