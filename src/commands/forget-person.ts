import { hostname } from 'node:os';
import { text as textOf } from 'node:stream/consumers';
import { sealPerson } from '../ledger/forget.ts';
import { openLedgerForReading } from '../ledger/open.ts';
import type { ForgetAccount } from '../pipelines/files/forget/forget.ts';
import { visible } from '../reports/visible.ts';
import { forget } from '../schedule/verbs/forget.ts';
import { usage, whoAmI } from './decide.ts';
import { toolsWithLinks } from './forget-tools.ts';
import { performAndPrint } from './perform-and-print.ts';
import { say, sayJson } from './print.ts';
import { openWorld } from './shared.ts';

export interface ForgetCommand {
  jobs?: string;
  state?: string;
  yes?: boolean;
  reason?: string;
  by?: string;
  json?: boolean;
}

/** One address, whole: a part of one would be found in others. */
const ADDRESS = /^[^\s@"<>,;:()]+@[^\s@"<>,;:()]+\.[^\s@"<>,;:().]+$/u;

export async function forgetPerson(said: string, options: ForgetCommand): Promise<number> {
  const email = (said === '-' ? await textOf(process.stdin) : said).trim();
  // What was given is not repeated: it may be most of an address.
  if (!ADDRESS.test(email))
    throw usage('what was given is no e-mail address', 'give one whole address, such as ana@example.com');
  const reason = (options.reason ?? 'the person asked for it').trim();
  if (reason.toLowerCase().includes(email.toLowerCase()))
    throw usage('--reason names the person', 'it is kept for good: give the number of the request instead');
  const person = await sealed(email, options);
  const by = options.by ?? whoAmI();
  const dryRun = options.yes !== true;
  const request = { verb: 'forget' as const, person, dryRun, reason, by, host: hostname() };
  const { settings, io } = openWorld(options);
  const tools = await toolsWithLinks(settings, io);
  return performAndPrint(forget, request, options, (account, json) =>
    json ? sayJson({ ...account, tools }) : print(account, tools),
  );
}

async function sealed(email: string, options: ForgetCommand): Promise<string> {
  const { settings } = openWorld(options);
  const ledger = await openLedgerForReading(settings.ledger);
  if (!ledger)
    throw usage(`there is no ledger yet at ${settings.ledger}`, 'nothing has run so far, so nobody is known here');
  try {
    return sealPerson(ledger, email);
  } finally {
    await ledger.close();
  }
}

/** A name of a file may hold what acts on a terminal. */
const tell = (line: string): void => say(visible(line));

function print(account: ForgetAccount, tools: readonly string[]): void {
  const { staged, local, ledger, dryRun } = account;
  const will = dryRun ? 'would be ' : '';
  for (const { job, name } of staged.removed) tell(`staged copy ${will}removed: ${name} (${job})`);
  if (staged.leftovers > 0) tell(`left-over files ${will}removed from staging: ${staged.leftovers}`);
  for (const { path, rows } of local.results) tell(`results ${will}rewritten without ${count(rows, 'row')}: ${path}`);
  for (const path of local.reports) tell(`report ${will}rewritten: ${path}`);
  if (ledger.cells > 0) tell(`words in the ledger ${will}removed: ${ledger.cells}`);
  for (const { job, days, files } of account.windows)
    tell(
      `segment job ${job} ${dryRun ? 'would stop' : 'stops'} (MEMBERS_PRUNED): ${count(files, 'file')} of its last ${days} days; to go on, referry run ${job} --file PATH with all members`,
    );
  const within = staged.removed.length + staged.leftovers + local.results.length + local.reports.length + ledger.cells;
  if (within === 0) say('nothing of this person was found here');
  const waiting = [...staged.open, ...staged.unread];
  for (const { job, name, why } of waiting) tell(`NOT YET: ${name} (${job}): ${why}`);
  for (const { what, why } of account.unsearched) tell(`NOT YET: ${what}: ${why}`);
  if (account.traces !== undefined) tell(`NOT YET: ${account.traces}; the next prune tries again`);
  say('');
  say('Out of reach, for you to see to:');
  for (const line of [...beyond(account), ...tools]) tell(`  ${line}`);
  if (dryRun) say('\nNothing was removed. With --yes it is.');
}

function beyond({ remote, local, ledger }: ForgetAccount): string[] {
  const lines = ['Extole: have the person deleted there'];
  for (const { url, results, archive, files, pruned } of remote) {
    for (const { name, resultsPath, archivedAs } of files) {
      const paths = [resultsPath, archivedAs].filter((path) => path !== null && path !== '');
      lines.push(`${url}: ${name}${paths.length === 0 ? '' : `, as ${paths.join(' and ')}`}`);
    }
    if (pruned > 0)
      lines.push(
        `${url}: the staged copies of ${count(pruned, 'earlier file')} are gone; search ${archive} and ${results} there`,
      );
  }
  for (const path of local.left) lines.push(`${path}: holds the address, and is not ours to change`);
  for (const path of local.doubtful) lines.push(`${path}: may hold the address, and could not be read`);
  for (const { folder, files } of local.unopened)
    lines.push(`${folder}: ${count(files, 'file')} packed or encrypted, which nobody here looked into`);
  for (const { folder, files } of local.encrypted)
    lines.push(`${folder}: ${count(files, 'results file')} encrypted to their reader`);
  for (const place of ledger.left) lines.push(`the ledger, ${place}: the address is part of the name of a file`);
  lines.push('backups of the ledger: they hold keys, and go in their time (REFERRY_BACKUP_KEEP)');
  lines.push('whoever sent the files: where one comes again, so does the person');
  return lines;
}

const count = (n: number, what: string): string => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;
