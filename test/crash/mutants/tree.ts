import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyEdit, type Edit, type Mutant } from './mutant.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What the product is made of, for a process that runs it from its sources. */
const PARTS = ['src', 'migrations', 'package.json'];

/** The mutants, by the names of their files. */
export async function allMutants(): Promise<Map<string, Mutant>> {
  const folder = new URL('.', import.meta.url);
  const mutants = new Map<string, Mutant>();
  for (const file of readdirSync(fileURLToPath(folder)).sort()) {
    if (!file.endsWith('.ts') || OURS.has(file)) continue;
    const { mutant }: { mutant: Mutant } = await import(new URL(file, folder).href);
    mutants.set(file.slice(0, -3), mutant);
  }
  return mutants;
}

const OURS = new Set(['mutant.ts', 'tree.ts', 'hunt.ts']);

/** A copy of the product with these edits, in a temporary folder. Throws where one of them cannot be made. */
export function editedTree(edits: readonly Edit[]): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'referry-mutant-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  try {
    for (const part of PARTS) cpSync(join(ROOT, part), join(path, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(path, 'node_modules'));
    for (const edit of edits) {
      const file = join(path, edit.file);
      writeFileSync(file, applyEdit(readFileSync(file, 'utf8'), edit));
    }
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
