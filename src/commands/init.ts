import type { Register } from './registry.ts';

const PIPELINES = ['deliver-events', 'export-share-links', 'sync-segment'] as const;

export const registerInit: Register = (program, exit) => {
  program
    .command('init')
    .argument('[folder]', 'where to make it; it may exist', '.')
    .description('Makes a project folder: a commented job, its JSON Schema, .env.example, .gitignore, README.md.')
    .option(
      '--pipeline <name>',
      'what its job does: deliver-events (rows of files as events), export-share-links (a share link in every contact of HubSpot), sync-segment (the members of a segment, as an audience of Extole)',
      'deliver-events',
    )
    .addHelpText(
      'after',
      `
Files that are there already are left as they are.

Examples:
  referry init my-referrals && cd my-referrals
  referry init my-links --pipeline export-share-links && cd my-links
  referry init my-segments --pipeline sync-segment && cd my-segments`,
    )
    .action(async (folder: string, { pipeline }: { pipeline: string }) => {
      const { job, text, steps } = await projectOf(pipeline, folder);
      const { jobJsonSchema } = await import('../jobs/json-schema.ts');
      const { note, say, table } = await import('./print.ts');
      const schema = `${JSON.stringify(jobJsonSchema(), null, 2)}\n`;
      const files = { ...text, 'jobs/job.schema.json': schema };
      const { made, kept } = await writeNew(folder, files);
      for (const path of made) say(`made  ${path}`);
      for (const path of kept) note(`${path} is there already and was left as it is`);
      say();
      say('Next:');
      const there = folder === '.' ? '' : `cd ${quoted(folder)} && `;
      const first = [`${there}referry check`, `lists what is missing or wrong in jobs/${job}.yaml`];
      for (const line of table([first, ...steps], '  ')) say(line);
      exit(0);
    });
};

/** The files of a new project, the job among them, and what to do after `check`. */
async function projectOf(
  pipeline: string,
  folder: string,
): Promise<{ job: string; text: Record<string, string>; steps: string[][] }> {
  if (pipeline === 'deliver-events') {
    const { projectTemplate } = await import('../jobs/template.ts');
    const steps = [
      ['referry doctor', 'tries every connection, and shows the host key to pin'],
      ['referry run example --dry-run', 'shows what would be sent'],
    ];
    return { job: 'example', text: projectTemplate(), steps };
  }
  if (pipeline === 'export-share-links') {
    const { resolve } = await import('node:path');
    const { linksTemplate } = await import('../jobs/template-links.ts');
    const steps = [
      ['referry doctor', 'tries Extole and HubSpot, and says how many contacts have no link'],
      ['referry run share-links', 'makes the links and puts them into the contacts'],
    ];
    return { job: 'share-links', text: linksTemplate(resolve(folder)), steps };
  }
  if (pipeline === 'sync-segment') {
    const { resolve } = await import('node:path');
    const { segmentsTemplate } = await import('../jobs/template-segments.ts');
    const steps = [
      ['referry doctor', 'tries the folders, and Extole'],
      ['referry run segments --dry-run', 'says of files in files/inbox how many members would come and go'],
    ];
    return { job: 'segments', text: segmentsTemplate(resolve(folder)), steps };
  }
  const { TransferError } = await import('../model.ts');
  throw new TransferError('USAGE', `--pipeline: found ${pipeline}; allowed: ${PIPELINES.join(', ')}`);
}

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
