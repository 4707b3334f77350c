import type { Register } from './registry.ts';

interface Options {
  jobs?: string;
  state?: string;
  to?: string;
  keep?: string;
  json?: boolean;
}

export const registerBackup: Register = (program, exit) => {
  program
    .command('backup')
    .description('Copies the ledger while it is in use, checks the copy, and keeps the newest ones.')
    .option('--to <folder>', 'where to put it (or REFERRY_BACKUP_TO; default: backups in the state folder)')
    .option('--keep <number>', 'how many backups of this ledger stay there (or REFERRY_BACKUP_KEEP; default: 14)')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Needs no pause: the daemon goes on meanwhile. Beside the backup is a file with its sha256, size and time. Put the folder on another disk or
machine. REFERRY_BACKUP_AT=03:00 lets the daemon do this each night. Job files and secrets are not in it.

Example:
  referry backup --to /mnt/backup/referry --keep 30`,
    )
    .action(async (_: unknown, command) => {
      const options: Options = command.optsWithGlobals();
      const { existsSync } = await import('node:fs');
      const { openWorld } = await import('./shared.ts');
      const { backUp } = await import('../ledger/backup.ts');
      const { openLedgerForReading } = await import('../ledger/open.ts');
      const { TransferError } = await import('../model.ts');
      const { count, say, sayJson } = await import('./print.ts');
      const env = { ...(options.to === undefined ? {} : { REFERRY_BACKUP_TO: options.to }) };
      const keep = options.keep === undefined ? {} : { REFERRY_BACKUP_KEEP: options.keep };
      const { settings, io } = openWorld(options, { ...env, ...keep });
      if (!existsSync(settings.ledger)) {
        await openLedgerForReading(settings.ledger);
        throw new TransferError('USAGE', `there is no ledger yet at ${settings.ledger}: nothing has run so far`, {
          hint: 'name the folder of the ledger with --state or REFERRY_STATE',
        });
      }
      const made = await backUp(settings.ledger, settings.backupTo, settings.backupKeep, io.now());
      if (options.json) sayJson(made);
      else {
        const { path, rows, bytes, sha256, dropped } = made;
        say(`backup   ${path}`);
        say(
          `holds    ${count(rows.deliveries, 'row')} of ${count(rows.processings, 'file')}, ${count(bytes, 'byte')}; checked`,
        );
        say(`sha256   ${sha256}`);
        if (dropped.length > 0) say(`removed  ${count(dropped.length, 'older backup')}`);
      }
      exit(0);
    });
};
