import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { notifySettings } from '../notices/settings.ts';
import { readYaml } from './positions.ts';
import { isSecret, type Path, resolveReferences } from './references.ts';

/** The file beside the job files with the channels of every job that names none of its own. */
const NAMES: ReadonlySet<string> = new Set(['notify.yaml', 'notify.yml']);

export function isNotifyFile(path: string): boolean {
  return NAMES.has(basename(path).toLowerCase());
}

const file = z.strictObject({ notify: notifySettings });

export interface NotifyFile {
  notify: z.output<typeof notifySettings> | undefined;
  problems: {
    file: string;
    line: number;
    column: number;
    field: string;
    message: string;
    hint?: string;
    severity: 'error' | 'warning';
  }[];
}

/** Reads the channels that stand beside the jobs. Never throws; with an error in it, nobody is told by it. */
export async function readNotifyFile(
  folder: string,
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<NotifyFile> {
  const name = names.find(isNotifyFile);
  if (name === undefined) return { notify: undefined, problems: [] };
  const path = join(folder, name);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    const problem = { line: 1, column: 1, field: '', message: 'the file cannot be read', severity: 'error' } as const;
    return { notify: undefined, problems: [{ file: path, ...problem }] };
  }
  const yaml = readYaml(text);
  const at = (where: Path): { file: string; line: number; column: number; field: string } => ({
    file: path,
    ...yaml.locate(where),
    field: where.map(String).join('.'),
  });
  if (yaml.problems.length > 0)
    return { notify: undefined, problems: yaml.problems.map((each) => ({ file: path, ...each, severity: 'error' })) };
  const resolved = await resolveReferences(yaml.data, path, env);
  const problems: NotifyFile['problems'] = resolved.problems.map(({ path: where, ...rest }) => ({
    ...at(where),
    ...rest,
  }));
  const parsed = file.safeParse(resolved.data);
  if (!parsed.success) {
    const shape = 'notify.yaml has the one field notify: a list of channels, as in a job file';
    for (const issue of parsed.error.issues)
      problems.push({
        ...at(issue.path),
        message: isSecret(issue.path) && issue.code === 'invalid_type' ? 'text is needed' : issue.message,
        hint: shape,
        severity: 'error',
      });
  }
  const broken = problems.some((problem) => problem.severity === 'error');
  return { notify: parsed.success && !broken ? parsed.data.notify : undefined, problems };
}
