import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';

/** A bare csv-parse loop over a file: `task-parse.ts <file>`. */
const started = performance.now();
let rows = 0;
let characters = 0;
for await (const record of createReadStream(process.argv[2] ?? '').pipe(parse({ columns: true }))) {
  rows++;
  characters += record.email.length;
}
process.stdout.write(`${JSON.stringify({ ms: performance.now() - started, rows, characters })}\n`);
