/**
 * The partner: a process of its own that polls folders, as a partner's script does, and reports what it should never have seen.
 * Commands, one JSON object a line on standard input: `{id, folder, changing}` begins, `{id, stop: true}` ends and is answered.
 * It ends with whoever started it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Watched {
  folder: string;
  /** Its files may be replaced by newer ones, as the report of a day is; they must be whole all the same. */
  changing: boolean;
  seen: Map<string, string>;
  /** What a look at the file without reading it said last. */
  looks: Map<string, string>;
  complaints: Set<string>;
}

const EVERY_MS = 8;
const watched = new Map<string, Watched>();

function look(watched: Watched): void {
  const { folder, seen, complaints } = watched;
  if (!existsSync(folder)) return;
  const names = new Set(readdirSync(folder).filter((name) => !name.startsWith('.')));
  for (const name of seen.keys()) if (!names.has(name)) complaints.add(`${name} vanished`);
  for (const name of names) {
    try {
      lookInto(watched, name);
    } catch (error) {
      complaints.add(`${name} vanished while it was read: ${error}`);
    }
  }
}

function lookInto({ folder, changing, seen, looks, complaints }: Watched, name: string): void {
  const path = join(folder, name);
  const { ino, size, mtimeMs } = statSync(path);
  const now = `${ino} ${size} ${mtimeMs}`;
  if (looks.get(name) === now) return;
  looks.set(name, now);
  const bytes = readFileSync(path);
  const broken = brokenAs(name, bytes);
  if (broken) complaints.add(`${name} is ${broken} (${bytes.length} bytes)`);
  const sha = createHash('sha256').update(bytes).digest('hex');
  const before = seen.get(name);
  if (before !== undefined && before !== sha && !changing) complaints.add(`${name} changed`);
  seen.set(name, sha);
}

function brokenAs(name: string, bytes: Buffer): string | undefined {
  if (bytes.length === 0) return 'empty';
  const text = bytes.toString('utf8');
  if (name.endsWith('.html') && !text.trimEnd().endsWith('</html>')) return 'half a page';
  if (name.endsWith('.csv') && !text.endsWith('\n')) return 'half a line';
  if (!name.endsWith('.json')) return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return 'half a JSON object';
  }
}

setInterval(() => {
  for (const one of watched.values()) look(one);
}, EVERY_MS);

for await (const line of createInterface({ input: process.stdin })) {
  const command: { id: string; folder?: string; changing?: boolean } = JSON.parse(line);
  if (command.folder !== undefined) {
    const { folder, changing = false } = command;
    watched.set(command.id, { folder, changing, seen: new Map(), looks: new Map(), complaints: new Set() });
    continue;
  }
  const its = watched.get(command.id);
  if (its) look(its);
  watched.delete(command.id);
  const told = { id: command.id, seen: [...(its?.seen ?? [])], complaints: [...(its?.complaints ?? [])] };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
process.exit(0);
