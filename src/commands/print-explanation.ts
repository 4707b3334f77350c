import { visible } from '../reports/visible.ts';
import type { ExplainedAttempt, ExplainedDecision, ExplainedRow, Explanation } from './collect-explanation.ts';
import type { ExplainedMembership } from './collect-memberships.ts';
import { count, say, table } from './print.ts';

/** In words that can be read aloud on the telephone. */
export function printExplanation(explanation: Explanation): void {
  const { key, rows, reason } = explanation;
  say(visible(`Key ${key}`));
  if (!explanation.found) {
    say();
    if (reason !== null) say(visible(`Nothing is known of it: ${reason}.`));
    else for (const line of NOT_FOUND) say(line);
    return;
  }
  for (const membership of explanation.memberships) say(visible(membershipWords(membership, key)));
  say(`${count(rows.length, 'row')} with this key ${rows.length === 1 ? 'is' : 'are'} known.`);
  for (const row of rows) {
    say();
    for (const line of rowLines(row, key)) say(line);
  }
}

/** What holds now, before the rows that led to it. */
function membershipWords({ segment, destination, member, changed, ...its }: ExplainedMembership, key: string): string {
  const { provider, account, container } = destination;
  const who = its.key === key ? '' : `${its.key} `;
  const now = `${who}is ${member ? 'a' : 'no'} confirmed member of ${segment} at ${provider} ${account}/${container} now`;
  if (!changed) return now;
  const { at, file, name, line } = changed;
  const by = `${member ? 'added' : 'removed'} by ${name} (${file}, ${line === null ? 'which does not name them' : `line ${line}`})`;
  return `${now}: since ${moment(at)}, ${by}`;
}

const NOT_FOUND = [
  'Nothing is known of it. That means that nothing was ever sent under this key, and that no row with it waits to be sent.',
  'Possible reasons:',
  '  - no file with this key has come so far: referry status lists files that are not through yet;',
  '  - its row was rejected in the check of its file: rejected rows are only in the results file, with the reason;',
  '  - the key is written differently in the file: letter case and leading zeros count.',
];

function rowLines(row: ExplainedRow, key: string): string[] {
  const { file, destination } = row;
  const to = destination === null ? '' : ` to ${destination.provider} ${destination.account}/${destination.container}`;
  const facts: string[][] = [];
  const fact = (name: string, value: string | null): void => {
    if (value !== null && value !== '') facts.push([name, value]);
  };
  if (row.key !== key) fact('key', row.key);
  const wants = { add: 'add to the segment', remove: 'remove from the segment' };
  fact('action', row.action && wants[row.action]);
  fact('row', `line ${row.line} of ${file.name}, job ${file.job}`);
  fact('taken', `${moment(file.takenAt)}, sha256 ${file.sha256 ?? 'not known yet'}`);
  fact('meaning', meaningOf(row));
  fact('reason', [row.code, row.reason].filter((part) => part !== null && part !== '').join(': '));
  fact(row.eventId?.startsWith('https://') ? 'link' : 'event id', row.eventId);
  fact('person id', row.personId);
  fact("Extole's reference", row.uniqueId);
  if (row.sameContentAsOwner !== null)
    fact(
      'content',
      row.sameContentAsOwner
        ? 'equal to that of the row that owns the key'
        : 'different from that of the row that owns the key',
    );
  for (const attempt of row.attempts) fact(`attempt ${attempt.number}`, attemptWords(attempt));
  for (const each of row.decisions) fact(`decision ${each.id}`, decisionWords(each));
  fact('results', file.resultsPath ?? 'not published yet');
  fact('archived as', file.archivedAs);
  if (!file.staged) fact('staged copy', 'removed when its time was over; all of this is from the ledger');
  for (const repeat of row.repeats) {
    const where = repeat.resultsPath === null ? '' : `, results ${repeat.resultsPath}`;
    fact('came again', `as ${repeat.name}, ${moment(repeat.takenAt)}; nothing was sent${where}`);
  }
  const title = `${row.outcome.toUpperCase()}: ${row.eventName}${to}`;
  return [visible(title), ...table(facts, '  ')];
}

/** Rejected for a reason that is none of the row's own. */
const ENDED: ReadonlyMap<string, string> = new Map([
  ['SUPERSEDED', 'what came later holds instead; there is nothing to correct'],
  ['EXPIRED', 'its time was over before somebody decided; its key is free, and may come again'],
  ['OPERATOR_REJECTED', 'a person ended it; its key is free, and may come again'],
]);

function meaningOf(row: ExplainedRow): string {
  switch (row.outcome) {
    case 'delivered':
      // Of members there is no proof row by row: they leave together.
      if (row.proof === null) return 'its segment was synced, and the target said yes';
      return `the destination said yes${triesOf(row)}; it is never sent again`;
    case 'duplicate':
      return 'the same key with the same content is known already; this row was not sent';
    case 'conflict':
      return 'another row has the same key with different content; this row was not sent, a person has to decide';
    case 'rejected':
      return (
        ENDED.get(row.code ?? '') ??
        'it can never succeed as written; the sender has to correct it and may use the key again'
      );
    case 'failed':
      return 'not accepted so far; the next run tries again';
    case 'held':
      return 'waits for a person';
    default:
      return 'not final yet; the next run goes on with it';
  }
}

/** `(2 tries, 1 without a clear answer)`: what a duplicate at the destination would come from. */
function triesOf({ attempts }: ExplainedRow): string {
  const unclear = attempts.filter(({ result }) => result === 'info' || result === 'orphan').length;
  return unclear === 0 ? '' : ` (${count(attempts.length, 'try', 'tries')}, ${unclear} without a clear answer)`;
}

const DECIDED: Readonly<Record<string, string>> = {
  release: 'released',
  reject: 'rejected',
  resolve: 'resolved',
  reprocess: 'processed again',
  confirm: 'confirmed',
  forget: 'staged copy removed for a person to be forgotten',
};

function decisionWords({ verb, by, host, reason, rows, at }: ExplainedDecision): string {
  const of = rows === 1 ? '' : `, with ${count(rows, 'row')} in all`;
  return `${DECIDED[verb] ?? verb} by ${by} (${host}) ${moment(at)}${of}: ${reason}`;
}

const RESULTS: Readonly<Record<ExplainedAttempt['result'], string>> = {
  ok: 'accepted',
  fail: 'not accepted',
  info: 'no clear answer: it may or may not have been accepted',
  orphan: 'interrupted: it may or may not have been accepted',
  open: 'on its way, no answer yet',
};

function attemptWords(attempt: ExplainedAttempt): string {
  const { result, http, code, reason, uniqueId } = attempt;
  const detail = [
    http === null ? '' : `HTTP ${http}`,
    code ?? '',
    reason ?? '',
    uniqueId === null ? '' : `reference ${uniqueId}`,
  ];
  const told = detail.filter((part) => part !== '').join(', ');
  const answered = attempt.answeredAt === null ? '' : `, answered ${moment(attempt.answeredAt)}`;
  return `claimed ${moment(attempt.at)}${answered}: ${RESULTS[result]}${told === '' ? '' : ` (${told})`}`;
}

function moment(iso: string | null): string {
  return iso === null ? '-' : `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
