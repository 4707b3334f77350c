import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const lists = z.array(
  z.strictObject({ id: z.string(), name: z.string(), createdAt: z.string().optional(), members: z.array(z.string()) }),
);

/** A list of members at a stand-in, as it is kept from one start to the next. */
export type KeptList = z.output<typeof lists>[number];

/** None where there is no such file. */
export async function readKept(path: string): Promise<KeptList[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '[]';
    throw error;
  });
  return lists.parse(JSON.parse(text));
}

async function writeKept(path: string, kept: Iterable<KeptList>): Promise<void> {
  await writeFile(`${path}.part`, `${JSON.stringify([...kept], null, 1)}\n`);
  await rename(`${path}.part`, path);
}

/** Closes a stand-in and keeps its lists, also where the closing tells of a mistake. */
export async function closeAndKeep(
  close: () => Promise<void>,
  path: string,
  lists: () => Iterable<KeptList>,
): Promise<void> {
  try {
    await close();
  } finally {
    await writeKept(path, lists());
  }
}
