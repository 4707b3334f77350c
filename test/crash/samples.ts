import type { Chance } from './chance.ts';
import type { InputFile } from './oracle.ts';

/** Made with the world, so that no row is too old or ahead. */
export interface Sampler {
  /** Text of a file: `rows` good ones and a few of everything else; `before`: earlier files, of which it repeats rows. */
  file(name: string, options: { rows: number; before?: readonly InputFile[]; plain?: boolean }): InputFile;
}

const HEADER = 'id,email,member,at,amount';

/** Marked, so that they can be looked for where they must not be. */
export const CANARIES = ['private.example', 'M-REGULAR'] as const;

/** A row for each code with which a check refuses one. */
const BAD: readonly ((id: string, at: string) => string)[] = [
  (id) => `${id},bad1@private.example,M-1,,1.00`,
  (id) => `${id},bad2@private.example,M-2,yesterday,1.00`,
  (id, at) => `${id},not an address,M-3,${at},1.00`,
  (id, at) => `${id},bad4@private.example,M-4,${at},1.2.3`,
  (id, at) => `${id},,,${at},1.00`,
  (id) => `${id},bad6@private.example,M-6,2019-02-03T04:05:06Z,1.00`,
  (id) => `${id},bad7@private.example,M-7,2099-02-03T04:05:06Z,1.00`,
  (_, at) => `,bad8@private.example,M-8,${at},1.00`,
  (_, at) => `N/A,bad9@private.example,M-9,${at},1.00`,
  (_, at) => `1.23E+14,bad10@private.example,M-10,${at},1.00`,
  (id, at) => `${id}-${'x'.repeat(40)},bad11@private.example,M-11,${at},1.00`,
  (id) => `${id},too few`,
];

export function createSampler(chance: Chance, now: number): Sampler {
  const at = new Date(Math.floor(now / 1000) * 1000 - 3_600_000).toISOString().replace('.000Z', 'Z');
  const amount = (): string => `${1 + chance.below(9000)}.${chance.pick(['00', '50', '05', '99'])}`;
  let files = 0;

  const good = (id: string): string => {
    const regular = chance.hit(0.15);
    if (regular) return `${id},regular@private.example,M-REGULAR,${at},${amount()}`;
    const own = `${id.toLowerCase()}@private.example`;
    if (chance.hit(0.06)) return `"${id}",${own},"M, ""${id}""",${at},"${amount()}"`;
    if (chance.hit(0.06)) return `${id},,M-${id},${at},${amount()}`;
    if (chance.hit(0.06)) return `${id},${own},,${at},`;
    return `${id},${own},M-${id},${at},${amount()}`;
  };

  return {
    file(name, { rows, before = [], plain = false }) {
      const tag = `F${++files}${chance.below(900) + 100}`;
      const id = (n: number): string => `${tag}-${String(n).padStart(4, '0')}`;
      const fresh = Array.from({ length: rows }, (_, i) => good(id(i + 1)));
      const lines = [...fresh];
      if (!plain) {
        lines.push(
          ...[0, 1, 2].map((i) => (BAD[(files * 3 + i + chance.below(2)) % BAD.length] ?? bare)(id(9000 + i), at)),
        );
        // The same row again, once as it is and once written otherwise; then two that contradict each other.
        for (const line of [fresh[1], fresh[2]]) if (line !== undefined) lines.push(line, otherwise(line));
        const torn = id(8000);
        lines.push(`${torn},torn@private.example,M-T,${at},1.00`, `${torn},torn@private.example,M-T,${at},2.00`);
      }
      for (const { text } of before) lines.push(...repeated(text, chance));
      return { name, text: `${[HEADER, ...lines].join('\n')}\n` };
    },
  };
}

const bare = (id: string): string => id;

/** The same content, written otherwise. */
const otherwise = (line: string): string => line.replace(/@private\.example/, '@PRIVATE.example');

/** As a cumulative feed does: most of the day before once more, and a row of it with another amount. */
function repeated(text: string, chance: Chance): string[] {
  const plain = text
    .split('\n')
    .slice(1)
    .filter((line) => /^F\d+-0\d{3},[^"]*,\d+\.\d\d$/.test(line));
  const taken = plain.filter((_, i) => i % 2 === 0 || chance.hit(0.3));
  const [first, ...rest] = taken;
  if (first === undefined) return [];
  return [...rest, first.replace(/,\d+\.(\d\d)$/, ',77777.$1')];
}
