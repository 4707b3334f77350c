#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { EXIT } from './model.ts';

// Secrets come by the environment, and a report that Node.js is told to write of a crash would quote all of it.
process.report.excludeEnv = true;
// Before anything is loaded: it halves the time to an answer.
enableCompileCache();
const { Command, CommanderError } = await import('commander');
const { COMMANDS } = await import('./commands/registry.ts');
const { version } = await import('./commands/version.ts');
const { reportUncaught } = await import('./commands/report-error.ts');

// What nobody caught leaves the process in a state that nobody knows. It ends as after a crash, which is safe, and whoever supervises
// it starts it again.
process.on('uncaughtException', (error) => process.exit(reportUncaught(error)));

// `referry --help | head` closes the pipe early; that is no error.
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error;
});

const LEAST_NODE = 24;

/** argv to one command. Each command loads what it needs when it is called, so that `--help` answers at once. */
async function main(argv: readonly string[]): Promise<number> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < LEAST_NODE) {
    process.stderr.write(
      `referry needs Node.js ${LEAST_NODE} or later, this is ${process.version}. Within the project, npm run brings the right one: npm run -s referry -- --help\n`,
    );
    return EXIT.usage;
  }
  let code: number = EXIT.ok;
  const program = new Command('referry')
    .description('Moves bulk files between a company and its referral program on Extole, and accounts for every row.')
    .configureHelp({ showGlobalOptions: true })
    .option('--jobs <folder>', 'folder of the job files (or REFERRY_JOBS; default: jobs)')
    .option('--state <folder>', 'folder of the ledger and staged files (or REFERRY_STATE; default: .referry)')
    .showHelpAfterError('(referry --help lists the commands)')
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  program.version(await version(), '--version', 'print the version');
  for (const register of COMMANDS) {
    register(program, (exit) => {
      code = exit;
    });
  }
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { report } = await import('./commands/report-error.ts');
    return report(error);
  }
  return code;
}

const EXIT_CODES = `
Exit codes:
  0    completed, and every number balances
  2    usage or configuration
  3    completed with rows in conflict, failed or held, or files held or refused
  4    source or destination unreachable or halted; nothing is lost, the next run goes on
  70   internal error
  74   the ledger cannot be read
  75   the ledger is in use by another process
  130  interrupted

Example:
  referry init my-project && cd my-project && referry check && referry doctor && referry run example`;

process.exitCode = await main(process.argv.slice(2));
