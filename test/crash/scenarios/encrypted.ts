import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMessage, encrypt, generateKey } from 'openpgp';
import { fromFile } from '../../integration/support/usual-job.ts';
import type { Scenario } from '../scenario.ts';

/** What comes encrypted stays so on this machine, and its results say nothing of it. */
export const scenario: Scenario = {
  name: 'encrypted',
  about: 'run: files encrypted with PGP, signed by the partner',
  weight: 0.7,
  world: { remote: 'local' },
  faults: { extole: 0.25 },
  async tell(story) {
    const [ours, partner] = await Promise.all(
      ['ours', 'partner'].map((name) =>
        generateKey({ type: 'ecc', userIDs: [{ name, email: `${name}@keys.example` }], format: 'object' }),
      ),
    );
    if (!ours || !partner) throw new Error('no keys were made');
    const secret = join(story.world.root, 'ours.asc');
    const signer = join(story.world.root, 'partner.asc');
    writeFileSync(secret, ours.privateKey.armor(), { mode: 0o600 });
    writeFileSync(signer, partner.publicKey.armor());
    story.job({
      source: { match: '*.csv.pgp' },
      file: { pgp: { privateKey: fromFile(secret), signer: fromFile(signer) } },
    });
    const first = story.sampler.file('day-1.csv', { rows: 14 });
    const second = story.sampler.file('day-2.csv', { rows: 8, before: [first] });
    for (const file of [first, second]) {
      const message = await createMessage({ binary: new Uint8Array(Buffer.from(file.text)) });
      const bytes = await encrypt({
        message,
        encryptionKeys: ours.publicKey,
        signingKeys: partner.privateKey,
        format: 'binary',
      });
      story.drop(file, { name: `${file.name}.pgp`, bytes: Buffer.from(bytes), resultsBase: file.name, sealed: true });
    }
    await story.live(['run', 'feed', '--json'], { kills: 10 });
  },
};
