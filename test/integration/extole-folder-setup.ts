import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Received } from '../../src/sandbox/extole/received.ts';
import type { ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { type ExtoleFolder, type FolderOptions, watchExtoleFolder } from '../../src/sandbox/extole/sftp-folder.ts';
import type { Dedupe } from '../../src/sandbox/extole/store.ts';
import { closeAll, io, standIn } from './extole-setup.ts';

const opened: (() => Promise<unknown>)[] = [];

/** Call after each test. */
export async function closeFolders(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
  await closeAll();
}

export function closeLater(close: () => Promise<unknown>): void {
  opened.push(close);
}

export interface Place {
  folder: ExtoleFolder;
  extole: ExtoleStandIn;
  root: string;
  log: string;
  put(path: string, contents: string | Buffer, mode?: number): void;
  get(path: string): string;
  list(path: string): string[];
}

/** Extole's folders, at which nobody looks until the test says so. */
export async function extoleFolders(
  behaviour: FolderOptions['behaviour'] = {},
  { withAudiences, ...options }: Partial<FolderOptions> & { dedupe?: Dedupe; withAudiences?: true } = {},
): Promise<Place> {
  const place = mkdtempSync(join(tmpdir(), 'referry-extole-folder-'));
  const root = join(place, 'served');
  const log = join(place, 'taken.jsonl');
  const extole = await standIn({ dedupe: options.dedupe ?? 'within-event' });
  const folder = watchExtoleFolder({
    io,
    root,
    account: extole.account,
    everyMs: 3_600_000,
    log,
    behaviour: { ...behaviour },
    ...(withAudiences ? { audiences: extole.audiences } : {}),
    ...options,
  });
  opened.push(
    async () => rmSync(place, { recursive: true }),
    () => folder.close(),
  );
  return {
    folder,
    extole,
    root,
    log,
    put: (path, contents, mode = 0o644) => writeFileSync(join(root, path), contents, { mode }),
    get: (path) => readFileSync(join(root, path), 'utf8'),
    list: (path) => (existsSync(join(root, path)) ? readdirSync(join(root, path)).sort() : []),
  };
}

export const HEADER = 'event_name,email,partner_conversion_id,event_time\n';
export const row = (key: string, email = 'ann@example.com'): string =>
  `account_opened,${email},${key},2026-11-20T14:03:00Z\n`;
export const FILE = `${HEADER}${row('A-1')}${row('A-2', 'nobody')}${row('A-3')}`;
export const NAME = 'acme_events_20261121100000.csv';

export const taken = (place: Place): Received[] => place.extole.received.filter(({ method }) => method === 'ROW');
export const keys = (place: Place): (string | undefined)[] =>
  taken(place).map(({ body }) => /"partner_conversion_id":"([^"]*)"/.exec(JSON.stringify(body))?.[1]);

export async function resultsOf(behaviour: FolderOptions['behaviour'], text = FILE): Promise<string[]> {
  const place = await extoleFolders(behaviour);
  place.put(`events/${NAME}`, text);
  await place.folder.look();
  return place.get('events/results/acme_events_20261121100000-results.csv').trimEnd().split('\n');
}
