import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type * as z from 'zod';
import { valueAt } from '../jobs/issues.ts';
import { type ExtoleDestinationSettings, extoleDestination } from '../jobs/lanes.ts';
import { readYaml } from '../jobs/positions.ts';
import { resolveReferences } from '../jobs/references.ts';
import { type RemoteSettings, remoteSettings } from '../remotes/settings.ts';

/** What can be read of a job file that has errors: enough to try its connections and to know its id. */
export interface RawJob {
  id: string;
  path: string;
  source?: RemoteSettings;
  extole?: ExtoleDestinationSettings;
}

/** Never throws; what cannot be read is left out. */
export async function readRawJob(path: string, env: Readonly<Record<string, string | undefined>>): Promise<RawJob> {
  const byName = basename(path).replace(/\.ya?ml$/i, '');
  let data: unknown;
  try {
    data = (await resolveReferences(readYaml(await readFile(path, 'utf8')).data, path, env)).data;
  } catch {
    return { id: byName, path };
  }
  const id = valueAt(data, ['id']);
  const source = readable(remoteSettings, valueAt(data, ['source']));
  const extole = extoleDestination.safeParse(valueAt(data, ['destination', 'extole']));
  return {
    id: typeof id === 'string' && id !== '' ? id : byName,
    path,
    ...(source === undefined ? {} : { source }),
    ...(extole.success ? { extole: extole.data } : {}),
  };
}

/** Reads settings without the fields that are wrong, where the rest will do. */
function readable<T>(schema: z.ZodType<T>, raw: unknown): T | undefined {
  const first = schema.safeParse(raw);
  if (first.success) return first.data;
  if (typeof raw !== 'object' || raw === null) return undefined;
  const bad = new Set(first.error.issues.map((issue) => String(issue.path[0])));
  const rest = Object.fromEntries(Object.entries(raw).filter(([name]) => !bad.has(name)));
  const second = schema.safeParse(rest);
  return second.success ? second.data : undefined;
}
