import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** `${env:NAME}`, `${env:NAME:-text}` and `${file:path}`. */
const REFERENCE = /\$\{(env|file):([^}]*)\}/g;
const ENV_NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** Fields whose value must never be shown, and should not stand in the job file itself. */
const SECRET_FIELDS = new Set([
  'password',
  'privateKey',
  'passphrase',
  'token',
  'keyboardInteractive',
  'apiKey',
  'clientSecret',
]);

/** Where container platforms put secrets; there they are readable by all, in a place that only the container has. */
const SECRET_MOUNT = '/run/secrets/';

export type Path = readonly PropertyKey[];

export interface ReferenceProblem {
  path: Path;
  message: string;
  hint?: string;
  severity: 'error' | 'warning';
}

export interface Resolved {
  /** The same data with every reference replaced. */
  data: unknown;
  problems: ReferenceProblem[];
  /** What references were replaced by, so that no message repeats it. */
  secrets: string[];
  /** Paths of the values with a reference, as JSON. */
  referenced: Set<string>;
}

/** What of a channel of `notify` is a secret: whoever knows the URL of a webhook of Slack may post there. */
const NOTIFY_SECRETS = /(?:^|\.)(?:slack\.url|email\.smtp|webhook\.secret|pagerduty\.routingKey)$/;

/** Whether a value at this path is a secret. */
export function isSecret(path: Path): boolean {
  if (path[0] === 'notify' && NOTIFY_SECRETS.test(path.map(String).join('.'))) return true;
  if (path[0] === 'receive' && path[1] === 'key') return true;
  return path.some((part) => typeof part === 'string' && SECRET_FIELDS.has(part)) && path[0] !== 'event';
}

/** Replaces the references in all texts of a job. Paths of `${file:...}` are relative to the job file. */
export async function resolveReferences(
  data: unknown,
  jobFile: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Resolved> {
  const mode = await modeOf(jobFile);
  const resolved: Resolved = { data: undefined, problems: openTo(jobFile, mode), secrets: [], referenced: new Set() };
  const walk = async (value: unknown, path: Path): Promise<unknown> => {
    if (typeof value === 'string') return replace(value, path);
    if (Array.isArray(value)) return Promise.all(value.map((item, index) => walk(item, [...path, index])));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(async ([key, item]) => [key, await walk(item, [...path, key])] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  const replace = async (text: string, path: Path): Promise<string> => {
    const matches = [...text.matchAll(REFERENCE)];
    if (matches.length === 0) {
      if (isSecret(path) && text !== '') resolved.problems.push(written(path, jobFile, mode));
      return text;
    }
    resolved.referenced.add(JSON.stringify(path));
    let result = '';
    let end = 0;
    for (const match of matches) {
      const [whole, kind, body = ''] = match;
      const value = kind === 'env' ? fromEnv(body, path) : await fromFile(body.trim(), path);
      if (value.length >= (isSecret(path) ? 3 : 8)) resolved.secrets.push(value);
      result += text.slice(end, match.index) + value;
      end = match.index + whole.length;
    }
    return result + text.slice(end);
  };
  const fromEnv = (body: string, path: Path): string => {
    const [, name = '', fallback] = ENV_NAME.exec(body) ?? [];
    const value = env[name];
    // As in a shell, `:-` also stands in for a variable that is set and empty.
    if (value !== undefined && value !== '') return value;
    if (fallback !== undefined) return fallback;
    const message =
      name === ''
        ? `found \${env:${body}}; the name of an environment variable is needed`
        : `the environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`;
    const variable = name || 'NAME';
    const hint = isSecret(path)
      ? `set ${variable} before starting`
      : `set ${variable} before starting, or give a default: \${env:${variable}:-text}`;
    resolved.problems.push({ path, message, hint, severity: 'error' });
    return '';
  };
  const fromFile = async (name: string, path: Path): Promise<string> => {
    const file = resolve(dirname(jobFile), name);
    try {
      if (isSecret(path)) resolved.problems.push(...(await exposure(file, path)));
      return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      const why =
        code === 'ENOENT'
          ? 'does not exist'
          : code === 'EACCES'
            ? 'may not be read by this user'
            : `cannot be read (${code})`;
      const hint = 'relative paths start at the folder of the job file';
      resolved.problems.push({ path, message: `the file ${file} ${why}`, hint, severity: 'error' });
      return '';
    }
  };
  resolved.data = await walk(data, []);
  return resolved;
}

/** Rights on a job file, followed through links; `undefined` where it cannot be looked at, or lies where container platforms put secrets. */
async function modeOf(jobFile: string): Promise<number | undefined> {
  if (resolve(jobFile).startsWith(SECRET_MOUNT)) return undefined;
  const found = await stat(jobFile).catch(() => undefined);
  return found === undefined ? undefined : found.mode & 0o777;
}

/** Whoever writes a job file says where rows go, and with which secrets. */
function openTo(jobFile: string, mode = 0): ReferenceProblem[] {
  if ((mode & 0o002) === 0) return [];
  const message = `this file can be written by every user of this machine (mode ${octal(mode)})`;
  return [{ path: [], message, hint: `chmod o-w ${jobFile}`, severity: 'error' }];
}

function written(path: Path, jobFile: string, mode = 0): ReferenceProblem {
  const name = String(path.findLast((part) => typeof part === 'string'));
  const elsewhere = `move it to the environment, ${name}: "\${env:NAME}", or to a file, ${name}: "\${file:/path}"`;
  const message = 'a secret is written in the job file';
  if ((mode & 0o007) === 0) return { path, message, hint: elsewhere, severity: 'warning' };
  const who = `, which every user of this machine can read (mode ${octal(mode)})`;
  return { path, message: message + who, hint: `chmod 600 ${jobFile}, or ${elsewhere}`, severity: 'error' };
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');

/** Complains about a secrets file that other users of the machine can read. */
async function exposure(file: string, path: Path): Promise<ReferenceProblem[]> {
  const { mode } = await stat(file);
  const others = mode & 0o007;
  const group = mode & 0o070;
  if (file.startsWith(SECRET_MOUNT) || (others === 0 && group === 0)) return [];
  const who = others === 0 ? 'its group' : 'every user of this machine';
  const verb = (mode & (others === 0 ? 0o020 : 0o002)) === 0 ? 'read' : 'write';
  return [
    {
      path,
      message: `the secret file ${file} can be ${verb === 'read' ? 'read' : 'written'} by ${who} (mode ${octal(mode)})`,
      hint: `chmod 600 ${file}`,
      severity: others === 0 ? 'warning' : 'error',
    },
  ];
}
