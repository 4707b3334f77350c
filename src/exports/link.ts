import type { LeftOut } from './row.ts';

/** What nearly all links look like; nothing is left to do for them. */
const ORDINARY = /^https:\/\/[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(?:[/?#][!-~]*)?$/;
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const UNFIT = /[\s\u0000-\u001f\u007f-\u009f\\<>"]/;

/**
 * A share link with `https://` before it: Extole's webhook gives links without a scheme, older programs give `http://`. What is not in
 * ASCII is percent-encoded. `undefined` where the text is no link of a web page: another scheme, no domain, a user name or spaces in it.
 */
export function secureLink(text: string): string | undefined {
  if (ORDINARY.test(text)) return text;
  if (text === '' || UNFIT.test(text)) return undefined;
  const rest = withoutScheme(text);
  if (rest === undefined || rest === '' || rest.startsWith('/')) return undefined;
  const written = `https://${rest}`;
  if (ORDINARY.test(written)) return written;
  if (!URL.canParse(written)) return undefined;
  const url = new URL(written);
  if (url.username !== '' || url.password !== '' || !/[^.]\.[^.]/.test(url.hostname)) return undefined;
  return url.href;
}

export const LINK_INVALID: LeftOut = {
  code: 'LINK_INVALID',
  reason: 'the share link is no link of a web page: https:// or http:// and a domain are expected, without spaces',
};

/** `undefined` where it has a scheme that is none of the web. */
function withoutScheme(text: string): string | undefined {
  if (text.startsWith('//')) return text.slice(2);
  const [scheme, name = ''] = SCHEME.exec(text) ?? [''];
  if (scheme === '') return text;
  return /^https?$/i.test(name) ? text.slice(scheme.length) : undefined;
}
