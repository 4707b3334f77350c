import type { Command } from 'commander';

/** Adds the options that every decision has. `would`: what happens to the rows, as `--dry-run` words it. */
export function withDecisionOptions(command: Command, would: string): Command {
  return command
    .option('--reason <text>', 'why, or how you know; kept with your name and the time')
    .option('--by <name>', 'who decides; default: the user of the operating system')
    .option('--dry-run', `say how many ${would}, and do nothing`)
    .option('--expect <n>', 'the number of rows you agree to; needed for more than 100 where nobody can be asked')
    .option('--json', 'print one JSON object');
}
