import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type * as z from 'zod';
import { checkJobs } from './check.ts';
import { checkKeys } from './check-keys.ts';
import { readHolidays } from './holidays.ts';
import { explainIssues, valueAt } from './issues.ts';
import { isNotifyFile, readNotifyFile } from './notify-file.ts';
import { type Position, readYaml } from './positions.ts';
import { type Path, type Resolved, resolveReferences } from './references.ts';
import { type Job, jobSchema } from './schema.ts';
import { suggest } from './suggest.ts';

/** Something to put right in a job file. */
export interface JobProblem {
  file: string;
  line: number;
  column: number;
  /** The field's path, `event.time.format`; empty for the file as a whole. */
  field: string;
  /** The value as the file has it; never a secret. */
  found?: string;
  message: string;
  hint?: string;
  /** A job with an error is not loaded. */
  severity: 'error' | 'warning';
}

type Locate = (path: Path, what?: 'key' | 'value') => Position;

interface LoadedFile {
  job?: Job;
  /** Its id, where it has errors. */
  broken?: string;
  problems: JobProblem[];
  locate: Locate;
}

/**
 * Reads every job of a folder, and lists every problem of every file. Jobs with an error are left out, so that one bad
 * file stops nothing else. Never throws because of what the files hold.
 */
export async function loadJobs(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ jobs: Job[]; problems: JobProblem[] }> {
  const listed = await listJobFiles(folder);
  if (!Array.isArray(listed)) return { jobs: [], problems: [listed] };
  const beside = await readNotifyFile(
    folder,
    listed.filter(isNotifyFile).map((file) => basename(file)),
    env,
  );
  const loaded = await Promise.all(listed.filter((file) => !isNotifyFile(file)).map((file) => loadFile(file, env)));
  for (const { job } of loaded)
    if (job !== undefined && job.notify === undefined && beside.notify !== undefined)
      Object.assign(job, { notify: beside.notify, sharedNotify: true });
  const jobs = loaded.flatMap(({ job }) => (job === undefined ? [] : [job]));
  const unread = new Set(loaded.flatMap(({ broken }) => broken ?? []));
  const findings = [...checkJobs(jobs, unread), ...(await checkKeys(jobs))].map(
    ({ job, path, ...rest }): JobProblem => {
      const locate = loaded.find((each) => each.job === job)?.locate;
      return { file: job.path, ...(locate?.(path) ?? { line: 1, column: 1 }), field: fieldName(path), ...rest };
    },
  );
  const problems = [...beside.problems, ...loaded.flatMap((each) => each.problems), ...findings].sort(byPlace);
  const broken = new Set(problems.filter(({ severity }) => severity === 'error').map(({ file }) => file));
  return { jobs: jobs.filter(({ path }) => !broken.has(path)), problems };
}

/** A problem as one line for people: `jobs/a.yaml:12:5 event.key: ...`. */
export function formatProblem(problem: JobProblem): string {
  const { file, line, column, field, found, message, hint } = problem;
  const what = [field === '' ? '' : `${field}: `, found === undefined ? '' : `found ${found}; `, message].join('');
  return `${file}:${line}:${column} ${what}${hint === undefined ? '' : ` (${hint})`}`;
}

async function listJobFiles(folder: string): Promise<string[] | JobProblem> {
  const problem = (message: string, hint: string): JobProblem => {
    return { file: folder, line: 1, column: 1, field: '', message, hint, severity: 'error' };
  };
  const start = '`referry init` makes a folder with a commented job';
  try {
    const names = (await readdir(folder)).filter((name) => /^[^.].*\.ya?ml$/i.test(name)).sort();
    return names.length === 0
      ? problem('there is no job file (*.yaml) in this folder', start)
      : names.map((name) => join(folder, name));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return problem(missing ? 'there is no such folder' : 'the folder of the jobs cannot be read', start);
  }
}

async function loadFile(path: string, env: Readonly<Record<string, string | undefined>>): Promise<LoadedFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const problem = {
      file: path,
      line: 1,
      column: 1,
      field: '',
      message: `the file cannot be read (${why})`,
      severity: 'error',
    } as const;
    return { problems: [problem], locate: () => ({ line: 1, column: 1 }), broken: idOf(path) };
  }
  return loadText(text, path, env);
}

async function loadText(
  text: string,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LoadedFile> {
  const yaml = readYaml(text);
  const { locate } = yaml;
  if (yaml.problems.length > 0) {
    return {
      problems: yaml.problems.map((problem) => ({ file: path, ...problem, severity: 'error' })),
      locate,
      broken: idOf(path),
    };
  }
  const resolved = await resolveReferences(yaml.data, path, env);
  const problems = resolved.problems.map((problem): JobProblem => {
    const { path: at, ...rest } = problem;
    return { file: path, ...locate(at), field: fieldName(at), ...rest };
  });
  const failed = new Set(
    resolved.problems.flatMap(({ path: at, severity }) => (severity === 'error' ? [fieldName(at)] : [])),
  );
  const parsed = parseJob(resolved);
  if (!parsed.success) {
    for (const { path: at, at: what, ...complaint } of explainIssues(parsed.error.issues, yaml.data)) {
      // A reference that led nowhere was told already.
      if (failed.has(fieldName(at))) continue;
      const message = withoutSecrets(complaint.message, resolved.secrets);
      problems.push({
        file: path,
        ...locate(at, what),
        field: fieldName(at),
        ...complaint,
        message,
        severity: 'error',
      });
    }
    const said = valueAt(resolved.data, ['id']);
    return { problems, locate, broken: typeof said === 'string' ? said : idOf(path) };
  }
  const id = parsed.data.id ?? idOf(path);
  if (failed.size > 0) return { problems, locate, broken: id };
  const job: Job = { ...parsed.data, id, path };
  if (job.expect?.holidays !== undefined) {
    const holidays = await readHolidays(job.expect.holidays, path);
    job.holidays = holidays.days;
    // The job goes on without the days that cannot be read: its files matter more than when they are expected.
    for (const { line, message, hint } of holidays.problems)
      problems.push({ file: holidays.path, line, column: 1, field: '', message, hint, severity: 'warning' });
  }
  return { job, problems, locate };
}

const idOf = (path: string): string => basename(path).replace(/\.ya?ml$/i, '');

type Parsed =
  | { success: true; data: z.output<typeof jobSchema> }
  | { success: false; error: { issues: readonly z.core.$ZodIssue[] } };

/** Values by reference are text; where the job needs a number or a truth value, they are read as one. */
function parseJob(resolved: Resolved): Parsed {
  const first = safeParse(resolved.data);
  if (first.success) return first;
  let changed = false;
  for (const issue of first.error.issues) {
    if (issue.code !== 'invalid_type' || !resolved.referenced.has(JSON.stringify(issue.path))) continue;
    const text = valueAt(resolved.data, issue.path);
    const value = readLiteral(text, issue.expected);
    const parent = valueAt(resolved.data, issue.path.slice(0, -1));
    const name = issue.path.at(-1);
    if (value === undefined || name === undefined || typeof parent !== 'object' || parent === null) continue;
    Reflect.set(parent, name, value);
    changed = true;
  }
  return changed ? safeParse(resolved.data) : first;
}

/** A job whose pipeline is misspelled has its other faults told as well. */
function safeParse(data: unknown): Parsed {
  const first = jobSchema.safeParse(data);
  const [issue] = first.error?.issues ?? [];
  if (issue?.code !== 'invalid_union' || issue.path.join() !== 'pipeline') return first;
  const pipelines = jobSchema.options.map(({ in: { shape } }) => shape.pipeline.value);
  const pipeline = suggest(String(valueAt(data, ['pipeline'])), pipelines) ?? 'deliver-events';
  const second = jobSchema.safeParse({ ...Object(data), pipeline });
  return second.success ? first : { success: false, error: { issues: [issue, ...second.error.issues] } };
}

function readLiteral(text: unknown, expected: string): number | boolean | undefined {
  if (expected === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if ((expected === 'number' || expected === 'int') && typeof text === 'string' && /^-?\d+(\.\d+)?$/.test(text))
    return Number(text);
  return undefined;
}

function withoutSecrets(message: string, secrets: readonly string[]): string {
  let clean = message;
  for (const secret of secrets) clean = clean.replaceAll(secret, '(not shown)');
  return clean;
}

function fieldName(path: Path): string {
  return path.map(String).join('.');
}

function byPlace(a: JobProblem, b: JobProblem): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column;
}
