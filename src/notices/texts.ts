import { type NoticeKind, SEVERITY } from './kinds.ts';
import type { NoticeBody } from './message.ts';

type Detail = NoticeBody['detail'];

interface Text {
  /** What is the matter, after the job's name. */
  title: (detail: Detail) => string;
  /** What it means and what to do. */
  text: (detail: Detail, job: string) => string;
  /** What put it right. */
  solved: (detail: Detail) => string;
}

const file = ({ file }: Detail): string => `file ${file ?? '?'}`;
const rows = (count: string | number | undefined): string =>
  `${Number(count ?? 0).toLocaleString('en-US')} ${Number(count ?? 0) === 1 ? 'row' : 'rows'}`;
const STATUS = '`referry status` says what waits.';

const TEXTS: Readonly<Record<NoticeKind, Text>> = {
  'file-refused': {
    title: (d) => `${file(d)} was refused: ${d.code}`,
    text: (_, job) =>
      `Nothing of it was sent. Its results file and the report of the run say what is wrong with it; the sender repairs it and sends it again. \`referry files ${job}\` lists the files.`,
    solved: (d) => `${file(d)} was refused, and has been replaced`,
  },
  'file-held': {
    title: (d) => `${file(d)} is held: ${d.code}, ${rows(d.rows)}`,
    text: (_, job) =>
      `Nothing of it is sent until a person decides. \`referry held ${job}\` says why, and how to release or reject it.`,
    solved: (d) => `${file(d)} is no longer held`,
  },
  rejects: {
    title: (d) => `${d.percent} % of the rows of ${file(d)} were rejected (${d.rejected} of ${d.read})`,
    text: () =>
      'The other rows went their way. Send the results file back to the sender, who corrects the rejected rows; often a layout has changed.',
    solved: (d) => `${file(d)} had many rejected rows; a later file is good again`,
  },
  imbalance: {
    title: (d) => `${d.file === undefined ? `run ${d.run}` : file(d)} DOES NOT BALANCE`,
    text: () =>
      'Rows read and rows accounted for differ. Keep the input, the results files and the ledger as they are, and do not send the file again before the difference is explained. The report has both numbers.',
    solved: (d) => `${d.file === undefined ? `run ${d.run}` : file(d)} balances again`,
  },
  'export-held': {
    title: (d) => `the export ${d.target} is held: ${d.code}, ${rows(d.rows)}`,
    text: (_, job) =>
      `It has far fewer rows than the one before, which stays in place. \`referry held ${job}\` says why, and how to let it go; once the links are there again it goes by itself.`,
    solved: (d) => `the export ${d.target} is no longer held`,
  },
  'target-stopped': {
    title: (d) => `the ${d.what} ${d.target} stopped: ${d.code}`,
    text: (_, job) =>
      `Nothing is lost: each run tries again and goes on where it stopped, and other targets do not wait for it. \`referry status\` and the last report of ${job} say more.`,
    solved: (d) => `the ${d.what} ${d.target} goes on`,
  },
  'destination-halted': {
    title: (d) => `Extole cannot be used: ${d.code}`,
    text: (_, job) =>
      `The run stopped. Nothing is lost: what was not sent stays open, and the next run goes on. \`referry doctor ${job}\` tries the connection and the token.`,
    solved: () => 'Extole can be used again, and deliveries go on',
  },
  'source-unreachable': {
    title: (d) =>
      d.runs === undefined
        ? `the source does not let us in, or is not trusted: ${d.code}`
        : `the source could not be reached ${d.runs} times in a row: ${d.code}`,
    text: (_, job) => `No file is taken meanwhile. \`referry doctor ${job}\` tries the connection step by step.`,
    solved: () => 'the source can be reached again',
  },
  'run-stopped': {
    title: (d) => `a run stopped early: ${d.code}`,
    text: () => `It is this machine: most often its disk. Nothing is lost; the next run goes on. ${STATUS}`,
    solved: () => 'runs come to their end again',
  },
  waiting: {
    title: (d) =>
      `${file(d)} has waited for more than ${d.hours} hours: ${d.open} open, ${d.failed} failed, ${d.held} held`,
    text: (_, job) =>
      `Open and failed rows are tried again by each run, held ones wait for a person: \`referry held ${job}\`.`,
    solved: (d) => `${file(d)} waits no longer`,
  },
  expiring: {
    title: (d) => `${rows(d.rows)} of ${file(d)} will be rejected as EXPIRED on ${d.on}`,
    text: (_, job) =>
      `They are held, and nobody has decided. \`referry held ${job}\` says how to release or reject them before.`,
    solved: (d) => `the held rows of ${file(d)} were decided`,
  },
  'file-late': {
    title: (d) => `no file by ${d.by} on ${d.day}`,
    text: () => 'Ask the sender, or look whether it lies in another folder or under another name.',
    solved: (d) => `the file of ${d.day} is there`,
  },
  'file-missing': {
    title: (d) => `no file came on ${d.day}`,
    text: () => 'The day is over. Ask the sender; a file that comes later, beside that of its own day, stands for it.',
    solved: (d) => `a file for ${d.day} has come`,
  },
  'file-early': {
    title: (d) => `${file(d)} came before ${d.from} on ${d.day}`,
    text: () => 'It was processed. A file that comes too early is often not complete, or that of the day before.',
    solved: (d) => `another file came in time on ${d.day}`,
  },
  'file-too-small': {
    title: (d) => `${file(d)} has ${rows(d.rows)}, fewer than ${d.minRows}`,
    text: () => 'It was processed. Ask the sender whether it is complete.',
    solved: (d) => `${file(d)} was small; a later file has the usual size`,
  },
  'file-too-large': {
    title: (d) => `${file(d)} has ${rows(d.rows)}, more than ${d.maxRows}`,
    text: () => 'It was processed. Ask the sender whether it holds more than its day.',
    solved: (d) => `${file(d)} was large; a later file has the usual size`,
  },
  'sequence-gap': {
    title: (d) =>
      `files are missing between those that came: number ${d.first === d.last ? d.first : `${d.first} to ${d.last}`}`,
    text: () => 'Ask the sender for them. The files around them were processed.',
    solved: (d) => `number ${d.first === d.last ? d.first : `${d.first} to ${d.last}`} has come`,
  },
  success: {
    title: (d) => `run ${d.run} is through: ${d.files} files, ${rows(d.read)} read, ${d.delivered} delivered`,
    text: () => 'Every row is accounted for, and nothing needs a person.',
    solved: (d) => `run ${d.run} is through`,
  },
};

/** What is said when a matter comes up (`opened`) or ends (`solved`). `at`: milliseconds since 1970. */
export function bodyOf(
  phase: 'opened' | 'solved',
  { job, kind, detail }: { job: string; kind: NoticeKind; detail: Detail },
  at: number,
): NoticeBody {
  const { title, text, solved } = TEXTS[kind];
  const opened = phase === 'opened';
  return {
    phase,
    kind,
    severity: opened ? SEVERITY[kind] : 'info',
    job,
    title: `${job}: ${opened ? title(detail) : solved(detail)}`,
    text: opened ? text(detail, job) : 'Nothing needs to be done.',
    detail,
    at: new Date(at).toISOString(),
  };
}

/** What stands for many messages that one channel would have got within an hour. */
export function summaryBody(kinds: ReadonlyMap<string, number>, jobs: readonly string[], at: number): NoticeBody {
  const counted = [...kinds].sort(([, a], [, b]) => b - a);
  const total = counted.reduce((sum, [, count]) => sum + count, 0);
  const job = jobs.length === 1 ? (jobs[0] ?? '') : `${jobs.length} jobs`;
  return {
    phase: 'summary',
    kind: 'summary',
    severity: 'error',
    job,
    title: `${job}: ${total.toLocaleString('en-US')} more notices`,
    text: `More came than this channel takes in an hour: ${counted.map(([kind, count]) => `${count} ${kind}`).join(', ')}. ${STATUS}`,
    detail: Object.fromEntries(counted),
    at: new Date(at).toISOString(),
  };
}

export function testBody(job: string, channel: string, at: number): NoticeBody {
  return {
    phase: 'test',
    kind: 'test',
    severity: 'info',
    job,
    title: `${job}: a test of the channel ${channel}`,
    text: 'Notices of this job come here. Nothing needs to be done.',
    detail: {},
    at: new Date(at).toISOString(),
  };
}
