import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The places at which the product can be told to die: whatever its sources name, so that a new one is covered without being listed. */
export function pointsOf(tree: string): string[] {
  const found = new Set<string>();
  for (const file of readdirSync(join(tree, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(tree, 'src', file), 'utf8');
    for (const [, name] of text.matchAll(/crashPoint(?:\?\.)?\(\s*'([a-z-]+)'/g)) if (name) found.add(name);
  }
  return [...found].sort();
}
