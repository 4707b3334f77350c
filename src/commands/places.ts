import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A folder that comes with referry (`jobs`, `sample-files`), from the sources or from the built package. */
export function comesWith(folder: string): string {
  for (const up of ['../../', '../../../']) {
    const url = new URL(`${up}${folder}/`, import.meta.url);
    if (existsSync(url)) return fileURLToPath(url);
  }
  throw new Error(`the folder ${folder} that comes with referry is missing; install it again`);
}
