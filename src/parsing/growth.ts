import { FileRefused } from '../model.ts';
import type { FileSettings } from './settings.ts';

export type Growth = Pick<FileSettings['limits'], 'ratio' | 'decompressed'>;

/** Below this much text the ratio says nothing: a short file of blanks compresses 1000 times and harms nobody. */
const RATIO_COUNTS_FROM = 1024 * 1024;

/** Throws `FileRefused` DECOMPRESSION_BOMB where more came out of a packed file than its limits allow. */
export function unpackingGuard({ ratio, decompressed }: Growth): (produced: number, packed: number) => void {
  return (produced, packed) => {
    if (produced > decompressed) throw bomb(`more than ${decompressed} bytes`, 'file.limits.decompressed');
    if (produced > RATIO_COUNTS_FROM && produced > ratio * packed)
      throw bomb(`more than ${ratio} times its compressed size`, 'file.limits.ratio');
  };
}

function bomb(found: string, setting: string): FileRefused {
  return new FileRefused({
    code: 'DECOMPRESSION_BOMB',
    message: `the compressed file holds ${found}; reading stopped there`,
    hint: `If the file is genuine, raise ${setting}.`,
  });
}
