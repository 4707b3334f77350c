import { createHash } from 'node:crypto';
import { checkFiles, forgottenIn } from './check-end.ts';
import { KNOWN, LABEL } from './customers.ts';
import { complain, type History } from './history.ts';
import { readCsv } from './oracle-csv.ts';
import { foretellLinks } from './oracle-links.ts';
import type { Sight } from './partners.ts';
import type { PushName } from './servers/tools.ts';

export interface LinksEnd {
  history: History;
  results: Sight;
  reports: Sight;
}

/** What must hold once all links are made, exported and pushed; of facts on disk, and of what Extole and the tools have. */
export async function checkLinks(
  { history, results, reports }: LinksEnd,
  exports: readonly { kind: 'changes' | 'snapshot'; folder: string }[],
  push: readonly PushName[],
  imports = false,
): Promise<void> {
  const { world, files } = history;
  const told = foretellLinks(
    files.map(({ file }) => file),
    KNOWN,
  );
  const ledger = checkFiles(history, told.files, results, reports);
  if (!ledger) return;
  const links = await checkExtole(history, told.people);
  const wanted = new Map([...told.people].map(([person, email]) => [person, links.get(email) ?? '']));
  compare(history, 'the ledger', wanted, ledger.links);
  for (const email of forgottenIn(history))
    if (ledger.holds(email)) complain(history, 'other', 'I9', `${email} was forgotten, and is in the ledger`);
  for (const { kind, folder } of exports) checkExport(history, kind, folder, wanted);
  const addressed = new Map([...wanted].filter(([person]) => person.includes('@')));
  for (const tool of imports ? [...push, 'hubspot' as const] : push) {
    // Of those here only Klaviyo knows people by our id as well.
    const stored = new Map(Object.entries(await world.servers.stored(tool)));
    compare(history, tool, tool === 'klaviyo' ? wanted : addressed, stored);
  }
  if (!imports) return;
  const names = await world.servers.imports('hubspot');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) complain(history, 'doubled', 'I7', `the import ${twice} was handed in twice`);
}

/** Everybody has one link of the label, and nobody else has one that we made. Gives them by address. */
async function checkExtole(history: History, people: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const links = (await history.world.servers.links()).filter(({ label }) => label === LABEL);
  const counts = new Map<string, number>();
  for (const { email } of links) counts.set(email, (counts.get(email) ?? 0) + 1);
  const emails = new Set(people.values());
  for (const email of emails)
    if (!counts.has(email)) complain(history, 'lost', 'I1', `${email} should have a link, and has none`);
  for (const [email, n] of counts) {
    if (n > 1) complain(history, 'doubled', 'I7', `${email} has ${n} links`);
    const others = KNOWN.some((each) => each.email === email && each.label !== undefined);
    if (!emails.has(email) && !others) complain(history, 'phantom', 'I2', `${email} should have no link, and has one`);
  }
  return new Map(links.map(({ email, link }) => [email, link]));
}

/** Whoever was forgotten may be there yet, or be gone: what is out is out. */
function compare(
  history: History,
  where: string,
  wanted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): void {
  const forgotten = forgottenIn(history);
  for (const [person, link] of wanted)
    if (found.get(person) !== link && !forgotten.includes(person))
      complain(history, 'lost', 'I1', `${where} has ${found.get(person) ?? 'no link'} of ${person}, should be ${link}`);
  for (const person of found.keys())
    if (!wanted.has(person)) complain(history, 'phantom', 'I2', `${where} has ${person}, who should not be there`);
}

interface Manifest {
  made_at: string;
  rows: number;
  files: { name: string; rows: number; bytes: number; sha256: string }[];
}

/** All changes together hold everybody; so does each snapshot that is the last one. A manifest says what there is beside it. */
function checkExport(
  history: History,
  kind: 'changes' | 'snapshot',
  folder: string,
  wanted: ReadonlyMap<string, string>,
): void {
  const { world } = history;
  const names = world.files(folder);
  // A ledger that is lost knows nothing of a file that was half out: what a death left of it is removed after a day.
  const excused = (name: string): boolean => history.rules.restored && /^\.[^/]+\.[0-9a-f]{12}\.part$/.test(name);
  const half = names.filter((name) => (name.startsWith('.') || name.endsWith('.part')) && !excused(name));
  if (half.length > 0) complain(history, 'other', 'I8', `left in ${folder}: ${half.join(', ')}`);
  const manifests = names
    .filter((name) => name.endsWith('.manifest.json'))
    .map((name): Manifest => JSON.parse(world.read(`${folder}/${name}`).toString()))
    .sort((a, b) => (a.made_at < b.made_at ? -1 : 1));
  const found = new Map<string, string>();
  for (const manifest of kind === 'snapshot' ? manifests.slice(-1) : manifests) {
    for (const file of manifest.files) {
      if (!names.includes(file.name)) {
        complain(history, 'lost', 'I8', `${folder}/${file.name} is in a manifest, and is not there`);
        continue;
      }
      const bytes = world.read(`${folder}/${file.name}`);
      const [, ...rows] = readCsv(bytes.toString(), ',');
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (sha256 !== file.sha256 || rows.length !== file.rows)
        complain(history, 'other', 'I8', `${folder}/${file.name} is not what its manifest says`);
      for (const { fields } of rows) found.set(fields[0] || (fields[1] ?? ''), fields[2] ?? '');
    }
  }
  const listed = new Set(manifests.flatMap(({ files }) => files.map(({ name }) => name)));
  // A manifest that the lost ledger was to write is written by none.
  for (const name of names)
    if (name.endsWith('.csv') && !listed.has(name) && kind === 'changes' && !history.rules.restored)
      complain(history, 'other', 'I8', `${folder}/${name} is in no manifest`);
  compare(history, folder, wanted, found);
}
