import { z } from 'zod';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** The base of a provider's API: https, since a secret travels to it; plain http only to this machine. */
export function baseUrlLike(example: string): z.ZodString {
  return z.string().check((context) => {
    const problem = urlProblem(context.value, example);
    if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: undefined });
  });
}

/** Why a URL is none to send a secret to; `undefined` where it is one. */
export function urlProblem(text: string, example: string): string | undefined {
  if (!URL.canParse(text)) return `expected a URL such as ${example}`;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    return 'expected a URL without user name and password; the token is a setting';
  if (url.search !== '' || url.hash !== '') return 'expected a URL without ? and #';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol === 'http:' && LOOPBACK.has(url.hostname)) return undefined;
  return `expected https://, found ${url.protocol}//; plain http is allowed to 127.0.0.1, localhost and [::1] only`;
}

/** A path below a base URL, which may have a path of its own. */
export function pathAt(baseUrl: string, path: string): string {
  return new URL(baseUrl).pathname.replace(/\/+$/, '') + path;
}

/** A path of an API, appended to its base URL. */
export function pathLike(example: string): z.ZodString {
  return z.string().regex(/^\/[\w./~-]*$/, `expected a path such as ${example}`);
}

/** A name of ours for an account: what we remember of it is kept under that name. */
export const accountName = z.string().regex(/^[\w.-]{1,64}$/, 'expected a short name of letters, digits, dots, dashes');

/** For people behind a proxy that opens TLS. */
export const authorities = z
  .string()
  .optional()
  .describe(
    'Certificates (PEM) of the authorities to trust instead of the well-known ones, for a proxy that inspects TLS; by reference to a file.',
  );

/** Sent in a header, so nothing that could end the header; never quoted in a message. */
export const headerSecret = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'expected a token without spaces; is the secret empty or does it have line breaks?');
