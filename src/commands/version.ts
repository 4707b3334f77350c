import { readFile } from 'node:fs/promises';

/** The version of the package that this program is of. */
export async function version(): Promise<string> {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const text = await readFile(new URL(place, import.meta.url), 'utf8');
      const { version }: { version: string } = JSON.parse(text);
      return version;
    } catch {
      // The sources and the built package are at different depths.
    }
  }
  return 'unknown';
}
