import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import yazl from 'yazl';
import type { Scenario, Story } from '../scenario.ts';

/** How the files of the feed come, one after the other. */
const WAYS = ['.csv', '.csv.gz', '.zip'] as const;

async function packed(text: string, way: (typeof WAYS)[number], name: string): Promise<Buffer> {
  if (way === '.csv') return Buffer.from(text);
  if (way === '.csv.gz') return gzipSync(text);
  const zip = new yazl.ZipFile();
  zip.addBuffer(Buffer.from(text), name);
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** What comes beside a file has left the inbox with it, and lies in the archive. */
function checkCompanions(story: Story, names: readonly string[]): void {
  const archived = story.world.files('archive').map((name) => name.replace(/\.\d{8}T\d{6}Z\.[0-9a-f]{8}$/, ''));
  for (const name of names.flatMap((each) => [`${each}.md5`, `${each}.done`])) {
    const n = archived.filter((each) => each === name).length;
    if (n !== 1) story.complain('other', `${name} lies in the archive ${n} times`);
  }
}

/** Files with a running number, packed in turns, each with its checksum and the marker that says it is whole; over SFTP. */
export const scenario: Scenario = {
  name: 'packed',
  about: 'run over SFTP: gzip, zip, manifest, marker and running number',
  world: { remote: 'sftp' },
  faults: { extole: 0.2, sftp: 0.35 },
  async tell(story) {
    story.job({
      source: { match: 'feed-*', stable: { marker: '{name}.done' }, manifest: { name: '{name}.md5', kind: 'md5' } },
      file: { sequence: { pattern: 'feed-(\\d+)', onGap: 'hold' } },
    });
    const names: string[] = [];
    for (const [i, way] of WAYS.entries()) {
      const stem = `feed-${i + 1}`;
      const name = `${stem}${way}`;
      const file = story.sampler.file(name, { rows: 8 });
      const bytes = await packed(file.text, way, `${stem}.csv`);
      story.drop(file, { name, bytes, resultsBase: way === '.csv.gz' ? `${stem}.csv` : name.replace('.zip', '') });
      const md5 = createHash('md5').update(bytes).digest('hex');
      story.world.put('inbox', `${name}.md5`, `${md5}  ${name}\n`, 5000);
      story.world.put('inbox', `${name}.done`, '', 5000);
      names.push(name);
    }
    await story.live(['run', 'feed', '--json'], { kills: 12 });
    checkCompanions(story, names);
  },
};
