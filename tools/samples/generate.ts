/**
 * Writes sample-files/ and the outcomes expected of its rows. It knows the formats from the jobs' own description and shares no
 * code with the program that reads them, so the two check each other. Run it with: npx node tools/samples/generate.ts
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { customersFile } from './customers.ts';
import { fundingsFile } from './fundings.ts';
import { audienceFiles, vipFiles } from './members.ts';
import { nextDayFile, openingsFile, truncatedFile } from './openings.ts';
import { quotesFile } from './quotes.ts';
import type { SampleFile } from './sample.ts';
import { shipmentsFile } from './shipments.ts';

export function sampleFiles(): SampleFile[] {
  return [
    openingsFile(),
    nextDayFile(),
    truncatedFile(),
    fundingsFile(),
    shipmentsFile(),
    quotesFile(),
    customersFile(),
    ...vipFiles(),
    ...audienceFiles(),
  ];
}

/** Other machines compress to other bytes, so a compressed file is left alone while its contents are the same. */
function write(folder: URL, { name, text, gzip }: SampleFile): void {
  const path = new URL(name, folder);
  if (!gzip) {
    writeFileSync(path, text);
    return;
  }
  try {
    if (gunzipSync(readFileSync(path)).toString('utf8') === text) return;
  } catch {
    // Absent or broken: written anew below.
  }
  writeFileSync(path, gzipSync(text, { level: 9 }));
}

function main(): void {
  const folder = new URL('../../sample-files/', import.meta.url);
  const expectedFolder = new URL('expected/', folder);
  mkdirSync(expectedFolder, { recursive: true });
  for (const sample of sampleFiles()) {
    write(folder, sample);
    writeFileSync(new URL(`${sample.name}.expected.csv`, expectedFolder), sample.expected);
  }
}

if (import.meta.main) main();
