import type { Register } from './registry.ts';

export const registerSchema: Register = (program, exit) => {
  program
    .command('schema')
    .description('Prints the JSON Schema of job files, for editors that complete and check them.')
    .option('--out <file>', 'write it to this file instead')
    .addHelpText(
      'after',
      `
Editors find it through the first line of a job file:  # yaml-language-server: $schema=./job.schema.json

Example:
  referry schema --out jobs/job.schema.json`,
    )
    .action(async (options: { out?: string }) => {
      const { jobJsonSchema } = await import('../jobs/json-schema.ts');
      const text = `${JSON.stringify(jobJsonSchema(), null, 2)}\n`;
      if (options.out === undefined) process.stdout.write(text);
      else await write(options.out, text);
      exit(0);
    });
};

async function write(path: string, text: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  const { TransferError } = await import('../model.ts');
  const { note } = await import('./print.ts');
  try {
    await writeFile(path, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TransferError('USAGE', `--out: ${why}`, {
      hint: 'name a file in a folder that exists and can be written',
    });
  }
  note(`wrote ${path}`);
}
