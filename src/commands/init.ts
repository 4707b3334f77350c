import type { Register } from './registry.ts';

export const registerInit: Register = (program, exit) => {
  program
    .command('init')
    .argument('[folder]', 'where to make it; it may exist', '.')
    .description('Makes a project folder: a commented job, its JSON Schema, .env.example, .gitignore, README.md.')
    .addHelpText(
      'after',
      `
Files that are there already are left as they are.

Example:
  referry init my-referrals && cd my-referrals`,
    )
    .action(async (folder: string) => {
      const { projectTemplate } = await import('../jobs/template.ts');
      const { jobJsonSchema } = await import('../jobs/json-schema.ts');
      const { note, say, table } = await import('./print.ts');
      const schema = `${JSON.stringify(jobJsonSchema(), null, 2)}\n`;
      const files = { ...projectTemplate(), 'jobs/job.schema.json': schema };
      const { made, kept } = await writeNew(folder, files);
      for (const path of made) say(`made  ${path}`);
      for (const path of kept) note(`${path} is there already and was left as it is`);
      say();
      say('Next:');
      const there = folder === '.' ? '' : `cd ${quoted(folder)} && `;
      const steps = [
        [`${there}referry check`, 'lists what is missing or wrong in jobs/example.yaml'],
        ['referry doctor', 'tries every connection, and shows the host key to pin'],
        ['referry run example --dry-run', 'shows what would be sent'],
      ];
      for (const line of table(steps, '  ')) say(line);
      exit(0);
    });
};

/** Writes files that are not there yet. */
async function writeNew(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<{ made: string[]; kept: string[] }> {
  const { existsSync } = await import('node:fs');
  const { mkdir, writeFile } = await import('node:fs/promises');
  const { dirname, join } = await import('node:path');
  const { TransferError } = await import('../model.ts');
  const made: string[] = [];
  const kept: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    if (existsSync(path)) {
      kept.push(path);
      continue;
    }
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: 'wx' });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new TransferError('USAGE', `cannot make ${path}: ${why}`, { hint: 'choose a folder that can be written' });
    }
    made.push(path);
  }
  return { made, kept };
}

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
