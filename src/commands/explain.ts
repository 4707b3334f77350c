import type { Register } from './registry.ts';

export const registerExplain: Register = (program, exit) => {
  program
    .command('explain')
    .argument(
      '<key>',
      "the partner_conversion_id, as the file has it, or a member's id; - reads it from standard input, where no list of processes shows it",
    )
    .description('Says everything that is known of one key: files, lines, attempts, answers.')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Only reads, and works while the daemon runs. What was sent is remembered after the file itself is gone. Exits 0 where the
key is known, 3 where it is not.

Of a member of a segment it says in which files and segments the id is.

Example:
  referry explain APP-0012345
  referry explain - < member.txt
  referry explain -- -0012345          a key that begins with a dash`,
    )
    .action(async (said: string, _: unknown, command) => {
      const options: { jobs?: string; state?: string; json?: boolean } = command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { collectExplanation } = await import('./collect-explanation.ts');
      const { printExplanation } = await import('./print-explanation.ts');
      const { sayJson } = await import('./print.ts');
      const { EXIT } = await import('../model.ts');
      const { settings } = openWorld(options);
      const key = said === '-' ? (await (await import('node:stream/consumers')).text(process.stdin)).trim() : said;
      if (key === '') {
        const { TransferError } = await import('../model.ts');
        throw new TransferError('USAGE', 'standard input is empty', { hint: 'give one key, and nothing else' });
      }
      const explanation = await collectExplanation(settings, key);
      if (options.json) sayJson(explanation);
      else printExplanation(explanation);
      exit(explanation.found ? EXIT.ok : EXIT.attention);
    });
};
