import type { Command } from 'commander';
import type { Register } from './registry.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const registerCompletion: Register = (program, exit) => {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish; jobs lists the ids of the jobs, which the scripts ask for')
    .description('Prints a script that completes commands, options and ids of jobs in a shell.')
    .addHelpText(
      'after',
      `
Example:
  referry completion bash > /etc/bash_completion.d/referry
  referry completion zsh > "\${fpath[1]}/_referry"
  referry completion fish > ~/.config/fish/completions/referry.fish`,
    )
    .action(async (shell: string, _: unknown, command) => {
      const { TransferError } = await import('../model.ts');
      if (shell === 'jobs') await listJobs(command.optsWithGlobals());
      else {
        const found = SHELLS.find((each) => each === shell);
        if (!found)
          throw new TransferError('USAGE', `found the shell "${shell}", allowed are ${SHELLS.join(', ')}`, {
            hint: 'name the shell that you use, e.g. referry completion bash',
          });
        const { completionScript } = await import('./completion-scripts.ts');
        process.stdout.write(completionScript(found, commandsOf(program)));
      }
      exit(0);
    });
};

/** A command, as far as a shell completes it. */
export interface Completed {
  name: string;
  description: string;
  options: { name: string; description: string; value: Value | undefined }[];
  /** What its first argument is. */
  argument: Value | undefined;
}

export type Value = 'job' | 'file' | 'folder' | 'shell' | 'other';

/** Commander's own tree: what is registered is completed. */
function commandsOf(program: Command): Completed[] {
  const shared = program.options;
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...command.options, ...shared].flatMap(({ long, description, required, flags }) =>
      long ? [{ name: long, description, value: required ? kindOf(flags) : undefined }] : [],
    ),
    argument: command.registeredArguments[0] && kindOf(`<${command.registeredArguments[0].name()}>`),
  }));
}

function kindOf(flags: string): Value {
  const [, name = ''] = /<([a-z-]+)/.exec(flags) ?? [];
  if (name === 'job' || name === 'jobs') return 'job';
  if (name === 'shell') return 'shell';
  if (name === 'folder') return 'folder';
  return name === 'file' || name === 'path' || name === 'backup' ? 'file' : 'other';
}

/** One a line, also of jobs whose files have errors: a shell that completes may lack the environment that the daemon has. */
async function listJobs(options: { jobs?: string; state?: string }): Promise<void> {
  const { openWorld } = await import('./shared.ts');
  const { loadJobs } = await import('../jobs/load.ts');
  const { settings, io } = openWorld(options);
  const { readRawJob } = await import('./raw-job.ts');
  const { jobs, problems } = await loadJobs(settings.jobs, io.env);
  const broken = new Set(problems.map(({ file }) => file).filter((file) => file !== settings.jobs));
  const ids = new Set(jobs.map(({ id }) => id));
  for (const file of broken) ids.add((await readRawJob(file, io.env)).id);
  for (const id of ids) process.stdout.write(`${id}\n`);
}
