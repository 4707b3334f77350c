import { z } from 'zod';
import { WEAK_ALGORITHMS } from './algorithms.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d{1,9})\s*(ms|s|m|h)$/;

function toMs(text: string): number {
  const match = DURATION.exec(text.trim());
  const unit = UNIT_MS[match?.[2] ?? ''];
  return match?.[1] === undefined || unit === undefined ? Number.NaN : Number(match[1]) * unit;
}

/** `500ms`, `60s`, `5m`, `1h`, or a number of milliseconds; becomes milliseconds. */
const duration = z
  .union([z.string(), z.number()])
  .transform((value) => (typeof value === 'number' ? value : toMs(value)))
  .refine((ms) => Number.isFinite(ms) && ms >= 1, {
    message: 'expected a duration such as 500ms, 60s, 5m or 1h, or a number of milliseconds, more than zero',
  });

const url = z.string().superRefine((value, context) => {
  const problem = urlProblem(value);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

function urlProblem(value: string): string | undefined {
  if (!URL.canParse(value)) return 'expected sftp://user@host:port/folder or file:///folder';
  // The parser of URLs passes over these in silence; whoever looks at the text sees another scheme.
  if (/^\s|\s$|\p{Cc}/u.test(value)) return 'found a space at its start or end, or a control character';
  const parsed = new URL(value);
  const wrongEscape = escapeProblem(parsed);
  if (wrongEscape !== undefined) return wrongEscape;
  if (parsed.password !== '') return 'a password does not belong in the URL: give it as password:, by reference';
  if (parsed.search !== '' || parsed.hash !== '') return 'write ? and # in a folder name as %3F and %23';
  if (parsed.protocol === 'file:') {
    return parsed.hostname === ''
      ? undefined
      : `expected file:///folder with three slashes, found the host "${parsed.hostname}"`;
  }
  if (parsed.protocol !== 'sftp:') return `expected sftp: or file:, found ${parsed.protocol}`;
  if (parsed.hostname === '') return 'expected a host: sftp://user@host/folder';
  if (parsed.username === '') return 'expected a user: sftp://user@host/folder';
  return undefined;
}

/** Parts of a URL are read with their escapes undone. */
function escapeProblem({ username, hostname, pathname, protocol }: URL): string | undefined {
  try {
    const parts = [username, hostname, pathname].map(decodeURIComponent);
    if (parts.some((part) => part.includes('\0'))) return 'a zero byte (%00) is no part of a name';
  } catch {
    return 'found a % that does not begin an escape such as %20: write a percent sign as %25';
  }
  return protocol === 'file:' && /%2f/i.test(pathname) ? 'a folder name cannot hold a slash (%2F)' : undefined;
}

const fingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, {
  message: 'expected a fingerprint as `ssh-keygen -lf` prints it: SHA256: and 43 characters',
});

/** How a remote is reached: the connection part of a job's `source:`. */
export const remoteSettings = z.object({
  url: url.describe(
    'sftp://user@host:port/folder, or file:///folder for a local one. /~/folder starts at the login folder. Other folders of the job are relative to it unless they start with /.',
  ),
  password: z.string().min(1).optional().describe('Password of the user, by reference to the environment or a file.'),
  privateKey: z
    .string()
    .min(1)
    .optional()
    .describe('Private key (PEM or OpenSSH text), by reference to a file or the environment.'),
  passphrase: z.string().min(1).optional().describe('Passphrase of the private key, by reference.'),
  keyboardInteractive: z
    .union([z.boolean(), z.array(z.string()).min(1)])
    .optional()
    .describe('Answers to the questions of keyboard-interactive login, in order; true answers each with the password.'),
  hostKey: z
    .union([fingerprint, z.array(fingerprint).min(1)])
    .optional()
    .describe(
      "Fingerprint of the server's host key, or a list while it changes. `referry doctor` shows the line to add.",
    ),
  knownHosts: z.string().min(1).optional().describe('Path of an OpenSSH known_hosts file that names the server.'),
  keepalive: duration
    .default(15_000)
    .describe('A sign of life is asked for this often; four without an answer end the connection.'),
  connectTimeout: duration.default(20_000).describe('Time for reaching the server, its handshake and the login.'),
  stallTimeout: duration
    .default(60_000)
    .describe('A transfer fails when no bytes moved for this long; a slow one that still moves never does.'),
  operationTimeout: duration
    .default(60_000)
    .describe('Time for one answer to anything but a transfer: list, stat, rename.'),
  allowWeak: z
    .array(z.enum(WEAK_ALGORITHMS))
    .default([])
    .describe('Outdated algorithms that this server needs, such as ssh-rsa. Refused unless named here.'),
  allowFolderLinks: z
    .boolean()
    .default(false)
    .describe('Publish into a folder that is a symbolic link. Refused otherwise, as a link may lead anywhere.'),
});

export type RemoteSettings = z.infer<typeof remoteSettings>;

/** What is wrong with settings that are each well-formed; needs no network. */
export function remoteProblems(settings: RemoteSettings): { field: string; message: string }[] {
  if (URL.parse(settings.url)?.protocol !== 'sftp:') return [];
  const problems: { field: string; message: string }[] = [];
  if (
    settings.password === undefined &&
    settings.privateKey === undefined &&
    !Array.isArray(settings.keyboardInteractive)
  ) {
    problems.push({
      field: 'privateKey',
      message: 'no way to log in: give privateKey, password or keyboardInteractive',
    });
  }
  if (settings.keyboardInteractive === true && settings.password === undefined) {
    problems.push({
      field: 'keyboardInteractive',
      message: 'true answers with the password, but there is none: give password',
    });
  }
  if (settings.passphrase !== undefined && settings.privateKey === undefined) {
    problems.push({ field: 'passphrase', message: 'there is no privateKey that it could open' });
  }
  if (settings.hostKey === undefined && settings.knownHosts === undefined) {
    problems.push({
      field: 'hostKey',
      message: 'an unknown server is not trusted: run `referry doctor` and add the line it shows, or give knownHosts',
    });
  }
  return problems;
}
