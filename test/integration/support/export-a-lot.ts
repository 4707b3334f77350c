import { compileExport, EXPORT_FORMATS } from '../../../src/exports/registry.ts';
import { writeExport } from '../../../src/exports/write.ts';
import { AT, person } from './people.ts';

/** Writes 20,000 rows into a folder and prints what went wrong: `export-a-lot.ts <folder>`. */
function* rows() {
  for (let i = 0; i < 20_000; i++) yield person(i);
}
try {
  await writeExport({
    rows: rows(),
    format: compileExport(EXPORT_FORMATS['klaviyo-csv'], {}),
    folder: process.argv[2] ?? '',
    at: AT,
    kind: 'snapshot',
    signal: new AbortController().signal,
  });
  process.stdout.write('nothing');
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error));
}
