import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { filesWithIds, type MatrixRow, matrixOf, type TestEnd } from './found.ts';

const HELP = `npm run test:faults [-- ID ...] [--json]

Runs the tests of the fault matrix, those with an id such as N01 in front of their title, and prints what became of each
fault: passed (all of its tests), partly (some were skipped, since what they need is not installed here), skipped (all were), failed,
absent (with the reason).
Ends with 1 where a fault failed or has neither a test nor a reason.

  npm run test:faults
  npm run test:faults -- N12 H04
  npm run -s test:faults -- --json > matrix.json
`;

interface VitestReport {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: TestEnd[];
  }[];
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
  allowPositionals: true,
});
if (values.help) {
  process.stdout.write(HELP);
} else {
  process.exitCode = await main(positionals);
}

async function main(wanted: readonly string[]): Promise<number> {
  const known = new Set(FAULTS.map(({ id }) => id));
  const strange = wanted.filter((id) => !known.has(id));
  if (strange.length > 0) {
    process.stderr.write(
      `test:faults: no fault ${strange.join(', ')}; there are N01 to N32, H01 to H27, C01 to C20, S01 to S13, I01 to I46, X01 to X24\n`,
    );
    return 2;
  }
  const chosen = wanted.length === 0 ? known : new Set(wanted);
  const files = [...filesWithIds()].filter(([, ids]) => ids.some((id) => chosen.has(id))).map(([path]) => path);
  const rows = matrixOf(await run(files, [...chosen])).filter(({ id }) => chosen.has(id));
  process.stdout.write(values.json ? `${JSON.stringify({ ...counts(rows), rows }, null, 2)}\n` : table(rows));
  return rows.every(({ status }) => status !== 'failed' && status !== 'missing') ? 0 : 1;
}

/** Runs the tests with those ids and tells how each ended. What they print goes to the error output. */
async function run(files: readonly string[], ids: readonly string[]): Promise<TestEnd[]> {
  if (files.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), 'referry-faults-'));
  const output = join(folder, 'report.json');
  try {
    const pattern = `(^| )([NHCSIX]\\d\\d, )*(${ids.join('|')})(, [NHCSIX]\\d\\d)*: `;
    const vitest = spawn(
      process.execPath,
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${output}`,
        '-t',
        pattern,
        ...files,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    vitest.stdout.pipe(process.stderr);
    await once(vitest, 'close');
    const report: VitestReport = JSON.parse(readFileSync(output, 'utf8'));
    const unread = report.testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    );
    if (unread.length > 0)
      throw new Error(unread.map(({ name, message }) => `${name} could not be loaded: ${message}`).join('\n'));
    return report.testResults.flatMap(({ assertionResults }) =>
      // Those that the pattern leaves out are told as skipped too.
      assertionResults.filter(({ title }) => new RegExp(pattern.replace('(^| )', '^')).test(title)),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function counts(rows: readonly MatrixRow[]): Record<string, number> {
  const of = (status: MatrixRow['status']): number => rows.filter((row) => row.status === status).length;
  return {
    faults: rows.length,
    passed: of('passed'),
    partly: of('partly'),
    failed: of('failed'),
    skipped: of('skipped'),
    absent: of('absent'),
    missing: of('missing'),
  };
}

function table(rows: readonly MatrixRow[]): string {
  const lines = rows.map(({ id, what, status, why }) => `${id}  ${status.padEnd(8)}${what}\n${' '.repeat(13)}${why}`);
  const sums = Object.entries(counts(rows)).map(([name, count]) => `${count} ${name}`);
  return `${lines.join('\n')}\n\n${sums.join(', ')}\n`;
}
