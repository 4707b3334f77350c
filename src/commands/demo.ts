import type { Register } from './registry.ts';

export const registerDemo: Register = (program, exit) => {
  program
    .command('demo')
    .description(
      'Runs the example jobs on the sample files, against an embedded SFTP server and stand-ins for Extole, HubSpot and Braze.',
    )
    .option('--root <folder>', 'where it leaves its files', 'demo')
    .addHelpText(
      'after',
      `
It needs no network and changes nothing outside of its folder. Run it twice: the second run drops the files again and
sends nothing.

Example:
  npm run demo`,
    )
    .action(async (_: unknown, command) => {
      const options: { root: string } = command.optsWithGlobals();
      const { runDemo } = await import('./run-demo.ts');
      exit(await runDemo(options.root));
    });
};
