import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

const tokenOf = z.object({ destination: z.object({ extole: z.object({ token: z.string() }) }) });

/** The whole token is one reference; anything else in a job file cannot have been rotated since it was loaded. */
const FROM_FILE = /^\s*\$\{file:([^}]*)\}\s*$/;

/** As the settings have it. A file that is being written may hold anything; what cannot stand in a header is no token. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * Reads a job's token again from the file that holds it: it may have been rotated under a run. `undefined` where it does not
 * come from a file, or there is none to read. Synchronous, because it is asked for in the middle of an answer, once.
 */
export function freshToken(jobFile: string): string | undefined {
  try {
    const written = tokenOf.parse(parse(readFileSync(jobFile, 'utf8'))).destination.extole.token;
    const place = FROM_FILE.exec(written)?.[1];
    if (place === undefined) return undefined;
    const token = readFileSync(resolve(dirname(jobFile), place.trim()), 'utf8').trim();
    return TOKEN.test(token) ? token : undefined;
  } catch {
    return undefined;
  }
}
