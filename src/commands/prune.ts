import type { PruneAccount } from '../pipelines/files/prune.ts';
import type { Register } from './registry.ts';

export const registerPrune: Register = (program, exit) => {
  program
    .command('prune')
    .description('Removes what was kept for as long as the jobs say: staged files, leftovers, attempts, old keys.')
    .option('--dry-run', 'only say what would go')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Staged files go retention.days (30) after their last row is final, with the attempts of their rows; keys after retention.keys (400 days), and
only where no row of that age would be accepted any more. Inputs in the archive and results are never touched. The daemon does this each
day at REFERRY_PRUNE_AT (default 04:00; "never" turns it off).

Example:
  referry prune --dry-run`,
    )
    .action(async (_: unknown, command) => {
      const options: { jobs?: string; state?: string; dryRun?: boolean; json?: boolean } = command.optsWithGlobals();
      const { performAndPrint } = await import('./perform-and-print.ts');
      const { prune } = await import('../schedule/verbs/prune.ts');
      const { sayJson } = await import('./print.ts');
      const request = { verb: 'prune' as const, dryRun: options.dryRun === true };
      exit(
        await performAndPrint(prune, request, options, (account, json) => (json ? sayJson(account) : print(account))),
      );
    });
};

function print(account: PruneAccount): void {
  const n = (count: number): string => count.toLocaleString('en-US');
  const { dryRun, staged, leftovers, attempts, publications, requests, observations, received, keys, links, kept } =
    account;
  const lines = [
    `staged files      ${n(staged.files)}, ${n(staged.bytes)} bytes`,
    `leftovers         ${n(leftovers.files)}, ${n(leftovers.bytes)} bytes`,
    `attempts          ${n(attempts)}`,
    `publications      ${n(publications)}`,
    `requests, sights  ${n(requests + observations)}`,
    ...(received === 0 ? [] : [`pages of members  ${n(received)}`]),
    `keys              ${n(keys)}`,
    ...(links === 0 ? [] : [`links of people   ${n(links)}`]),
    ...kept.map((why) => `kept              ${why}`),
    dryRun ? 'A dry run: nothing was removed.' : 'Removed.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
