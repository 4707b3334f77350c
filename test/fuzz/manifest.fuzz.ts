import { compareChecksum, controlCheck, statedChecksum } from '../../src/parsing/manifest.ts';
import { manifestSettings } from '../../src/parsing/manifest-settings.ts';
import { must, outcome, takeFrom } from './support.ts';

const CONTROLS = [
  { count: 'rows', sums: { amount: 'total' } },
  { format: 'csv', count: 'rows' },
  { format: 'csv', columns: ['a', 'rows'], count: 'rows', sums: { amount: 'a' }, decimal: ',' },
].flatMap((control) => manifestSettings.parse({ name: '{name}.ctl', kind: 'control', control }).control ?? []);

/** Manifests of any text: a checksum, a comparison, or a refusal with a code. */
export async function fuzz(data: Buffer): Promise<void> {
  const take = takeFrom(data);
  const kind = take.pick(['md5', 'sha256', 'control'] as const);
  const which = take.number(CONTROLS.length);
  const text = take.rest().toString('utf8');
  if (kind !== 'control') {
    const stated = await outcome(async () => statedChecksum(text, kind, 'a.csv'));
    if (stated.ok)
      must(new RegExp(`^[0-9a-f]{${kind === 'md5' ? 32 : 64}}$`).test(stated.value), 'no checksum', stated.value);
    const compared = await outcome(async () => compareChecksum(text, kind, 'a.csv', 'x'));
    must(!compared.ok, 'a checksum that is none compares equal');
    return;
  }
  const settings = CONTROLS[which];
  if (settings === undefined) return;
  await outcome(async () => {
    const check = controlCheck(text, settings);
    check.add(['1', '2.50'], ['id', 'amount']);
    check.verify();
  });
}
