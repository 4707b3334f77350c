import { expect } from 'vitest';
import { fates, type ResultLine, readResults } from '../../integration/support/e2e-results.ts';
import type { FileJson, Request, RunJson, World } from '../../integration/support/e2e-world.ts';

/** A file of an unusual kind, and what the fault matrix says must become of it. */
export interface InputCase {
  /** Ids of the matrix, and what is odd about the file. */
  title: string;
  name: string;
  bytes: string | Buffer;
  /** `2 delivered`, `3 rejected KEY_MISSING`: each row, by the line it starts on. */
  fates?: readonly string[];
  /** The file is refused as a whole: not one row leaves. */
  refused?: { code: string; line?: number; says?: RegExp };
  /** Codes of the file's own notices, as its report has them. */
  notices?: readonly string[];
  /** The file is held as a whole, with this code. */
  held?: string;
  /** What more must hold. */
  and?: (seen: SeenFile) => void;
}

/** What became of one file. */
export interface SeenFile {
  file: FileJson;
  lines: ResultLine[];
  /** The results file as it was published. */
  results: Buffer;
  /** Requests for its rows, in the order of their arrival. */
  sent: Request[];
  notices: string[];
}

export interface TableRun {
  code: number | undefined;
  run: RunJson;
  told: string;
  seen: Map<string, SeenFile>;
}

/**
 * Puts all files in the inbox and runs the job once. Keys of a file begin with its name's first word (`ragged.csv`: `ragged-1`), so that
 * requests are told apart by what arrived, not by what the program says.
 */
export async function putThrough(world: World, job: string, cases: readonly InputCase[]): Promise<TableRun> {
  for (const [i, { name, bytes }] of cases.entries()) world.drop(name, bytes, 5000 - i);
  const { code, run, stdout, stderr } = await world.run(job);
  const requests = world.requests();
  const noticed = run.reportPath === null ? new Map<string, string[]>() : noticesIn(world, run.reportPath);
  const seen = new Map<string, SeenFile>();
  for (const { name, fates: expected, refused } of cases) {
    const file = run.files.find(({ path }) => path === name);
    if (!file) throw new Error(`${name} was not looked at: ${stderr}${JSON.stringify(run.notices)}`);
    const results = file.resultsPath === null ? Buffer.alloc(0) : world.read(servedPath(file.resultsPath));
    const delimiter = /^line(.)/.exec(results.toString('utf8', 0, 5))?.[1] ?? ',';
    // JSON, and rows whose quotes are escaped by backslashes, are for the case itself to look at.
    const readable = results.length > 0 && results[0] !== 0x7b && (expected !== undefined || refused !== undefined);
    const lines = readable ? readResults(results, delimiter) : [];
    const mark = keyMark(name);
    const sent = requests.filter(({ body }) => body.data.partner_conversion_id?.startsWith(mark));
    seen.set(name, { file, lines, results, sent, notices: noticed.get(name) ?? [] });
  }
  return { code, run, told: stdout + stderr, seen };
}

/** The codes of each file's notices, out of the report's JSON form. */
function noticesIn(world: World, page: string): Map<string, string[]> {
  const report: { files: { name: string; notices: { code: string }[] }[] } = JSON.parse(
    world.read(servedPath(page).replace(/html$/, 'json')).toString(),
  );
  return new Map(report.files.map(({ name, notices }) => [name, notices.map(({ code }) => code)]));
}

const servedPath = (path: string): string => path.replace(/^.*?served\//, '');

/** What the keys of a file's rows begin with. */
export const keyMark = (name: string): string => `${/^[\w-]+/.exec(name)?.[0] ?? name}-`;

/** Compares what became of a file with what must. */
export function expectCase({ name, refused, held, notices, and, ...each }: InputCase, all: TableRun): void {
  const found = all.seen.get(name);
  if (!found) throw new Error(`no ${name}`);
  const { file, lines, results, sent } = found;
  expect(file.balanced).toBe(true);
  if (refused) {
    expect(`${file.state} ${file.code}`, lines[0]?.reason).toBe(`refused ${refused.code}`);
    expect(sent).toEqual([]);
    expect(file.read).toBe(0);
    expect(file.archivedAs ?? '').toMatch(/refused\//);
    if (results[0] !== 0x7b) {
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ outcome: 'refused', code: refused.code, attempts: 0 });
      if (refused.line !== undefined) expect(lines[0]?.line).toBe(refused.line);
    }
    if (refused.says) expect(results.toString()).toMatch(refused.says);
  }
  if (held !== undefined) {
    expect(`${file.state} ${file.code}`).toBe(`held ${held}`);
    expect(sent).toEqual([]);
  }
  if (each.fates) {
    expect(fates(lines)).toEqual(each.fates);
    const delivered = each.fates.filter((fate) => fate.endsWith(' delivered')).length;
    expect(sent).toHaveLength(delivered);
    expect(file).toMatchObject({ read: each.fates.length, delivered, open: 0, failed: 0 });
  }
  if (notices) expect(found.notices).toEqual(notices);
  and?.(found);
}
