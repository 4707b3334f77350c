import type { ImportAccount } from '../pipelines/files/import-keys.ts';
import type { Register } from './registry.ts';

interface Options {
  jobs?: string;
  state?: string;
  job: string;
  event?: string;
  column?: string;
  dryRun?: boolean;
  json?: boolean;
}

export const registerImportKeys: Register = (program, exit) => {
  program
    .command('import-keys')
    .argument('<file>', 'a file with a header line and one key a row: csv, psv, tsv, json or jsonl, also gzipped')
    .description('Marks keys that another system delivered as delivered, so that they are not sent again.')
    .requiredOption('--job <job>', 'id of the job whose rows have these keys')
    .option('--event <name>', 'the event name under which they were delivered; default: the one of the job')
    .option('--column <name>', 'the column that holds the keys; default: the key column of the job')
    .option('--dry-run', 'only say how many keys there are, and how many of them are known')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
For the day of cut-over. The rows themselves are not known: a later row with such a key is a duplicate, whatever else is in it. A key
that the ledger knows already stays as it is. The same file twice changes nothing; one that was cut short goes on where it stopped.

Exits 0, or 3 where rows have no usable key.

Example:
  referry import-keys sent-by-the-old-system.csv --job account-openings --column application_id --dry-run`,
    )
    .action(async (path: string, _: unknown, command) => {
      const options: Options = command.optsWithGlobals();
      const { resolve } = await import('node:path');
      const { accessSync, constants } = await import('node:fs');
      const { openWorld } = await import('./shared.ts');
      const { readJob } = await import('../schedule/jobs.ts');
      const { EXIT, TransferError } = await import('../model.ts');
      const { settings, io } = openWorld(options);
      const file = resolve(path);
      try {
        accessSync(file, constants.R_OK);
      } catch {
        throw new TransferError('USAGE', `there is no readable file ${file}`, {
          hint: 'give the path of a local file',
        });
      }
      const job = await readJob(settings.jobs, options.job, io.env);
      if (job.pipeline !== 'deliver-events')
        throw new TransferError('USAGE', `job ${job.id} ${NO_KEYS[job.pipeline].does}, and has no keys to import`, {
          hint: `nothing needs to be imported: ${NO_KEYS[job.pipeline].hint}`,
        });
      const event = options.event ?? onlyEvent(job.event);
      if (event === undefined)
        throw new TransferError('USAGE', `job ${job.id} sends more than one event name`, {
          hint: 'say under which one these keys were delivered: --event NAME; for several, once for each',
        });
      const column = options.column ?? job.event.key.from;
      const { sayJson } = await import('./print.ts');
      if (options.dryRun) {
        const account = await dry({ settings, io, job, file, event, column });
        if (options.json) sayJson({ dryRun: true, ...account });
        else print(account, 'would be imported');
        exit(account.rejected > 0 ? EXIT.attention : EXIT.ok);
        return;
      }
      const { performAndPrint } = await import('./perform-and-print.ts');
      const { importKeys } = await import('../schedule/verbs/import-keys.ts');
      const request = { verb: 'import-keys' as const, job: job.id, file, event, column };
      exit(
        await performAndPrint(importKeys, request, options, (account, json) => {
          if (json) sayJson(account);
          else print(account, 'imported');
        }),
      );
    });
};

/** Why nobody has to import what other jobs did before us. */
const NO_KEYS = {
  'export-share-links': {
    does: 'makes share links',
    hint: 'people who have a link already keep it, and it is found by itself',
  },
  'sync-segment': {
    does: 'keeps segments',
    hint: 'to add somebody who is a member already changes nothing at the target; its first snapshot says who is in there',
  },
} as const;

function onlyEvent(event: {
  name?: string | undefined;
  allowedNames?: readonly string[] | undefined;
}): string | undefined {
  if (event.name !== undefined) return event.name;
  const names = new Set(event.allowedNames);
  return names.size === 1 ? [...names][0] : undefined;
}

async function dry(options: {
  settings: import('../settings.ts').Settings;
  io: import('../model.ts').Io;
  job: import('../jobs/schema.ts').Job;
  file: string;
  event: string;
  column: string;
}): Promise<ImportAccount> {
  const { tryImport } = await import('../pipelines/files/import-keys.ts');
  const { openLedgerForReading } = await import('../ledger/open.ts');
  const { settings, io, job, file, event: eventName, column } = options;
  const ledger = await openLedgerForReading(settings.ledger);
  try {
    return await tryImport({ ledger, io, job, file, eventName, column, signal: new AbortController().signal });
  } finally {
    await ledger?.close();
  }
}

function print(account: ImportAccount, done: string): void {
  const { file, read, imported, known, rejected, eventName, examples, before } = account;
  const n = (count: number): string => count.toLocaleString('en-US');
  if (before !== undefined)
    process.stdout.write(`${file} was imported before, at ${before}; nothing to do. As it was then:\n`);
  process.stdout.write(
    `${file}: ${n(read)} keys read = ${n(imported)} ${done} as delivered under ${eventName} + ${n(known)} known already + ${n(rejected)} not usable\n`,
  );
  for (const { line, reason } of examples) process.stdout.write(`  line ${line}: ${reason}\n`);
}
