import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { deliverySettings } from '../delivery/settings.ts';
import { extoleSettings } from '../destinations/extole/settings.ts';
import { duration } from '../mapping/duration.ts';
import { columnName } from '../mapping/field-settings.ts';
import type { MemberRows } from '../mapping/member-settings.ts';
import { fileSettings } from '../parsing/settings.ts';
import { resolveFolders } from './folders.ts';
import type { ExtoleDestinationSettings } from './lanes.ts';
import { deliveredMembers } from './member-sources.ts';
import { accountOf, idKindOf, memberTarget, onlyOne } from './member-targets.ts';
import { jobFields, source, stagedDays, upkeepFields } from './parts.ts';
import { receiveMembersSettings } from './receive-settings.ts';

const hold = z.enum(['hold', 'accept']).default('hold');
const words = (usual: readonly string[]) =>
  z
    .array(z.string().min(1))
    .min(1)
    .default([...usual]);

// In the name of a taken file a dot ends the folder.
const folderName = (usual: string) =>
  z
    .string()
    .regex(
      /^[A-Za-z0-9_-][A-Za-z0-9 _-]{0,63}$/,
      'expected the name of a folder of the inbox: up to 64 letters, digits, blanks, dashes and underscores, without a slash or a dot',
    )
    .default(usual);

const ADD = ['add', 'added', 'a', 'insert', '+'];
const REMOVE = ['remove', 'removed', 'delete', 'd', '-'];

const members = z
  .strictObject({
    from: z
      .enum(['inbox', 'heap', 'ledger'])
      .default('inbox')
      .describe(
        "Where members come from. inbox: files. heap: changes that Heap posts to the daemon, see `receive`; the segments are then those with Heap's number as their id, and nothing else is set here. ledger: people of rows that other jobs delivered, see `ledger`; the job then has one segment. Default inbox.",
      ),
    ledger: deliveredMembers.optional(),
    kind: z
      .enum(['snapshot', 'changes'])
      .default('snapshot')
      .describe(
        'What a file says. snapshot: everybody who is in the segment; whoever is not in it is removed. changes: who is added and who is removed. Default snapshot.',
      ),
    id: columnName
      .optional()
      .describe(
        "The column with the member's id, of the kind that the target knows members by. Needed with from: inbox.",
      ),
    segment: z
      .string()
      .optional()
      .describe('The segment that every file is about. Without it the only one of `segments`, or see segmentFrom.'),
    segmentFrom: z
      .enum(['column', 'file'])
      .optional()
      .describe(
        'Where it stands instead which segment a row is of: in a column, or in the name of the file (vip-20261121.csv gives vip).',
      ),
    segmentColumn: columnName.optional().describe('With segmentFrom: column, the column that holds it.'),
    action: z
      .strictObject({
        column: columnName
          .optional()
          .describe(
            'The column that says whether a member is added or removed. Absent: a word of the file name says so, as in vip-add-20261121.csv.',
          ),
        folders: z
          .strictObject({
            add: folderName('add').describe('The folder of files whose members are added. Default add.'),
            remove: folderName('remove').describe('The folder of files whose members are removed. Default remove.'),
          })
          .optional()
          .describe(
            'The folder says it instead: files are taken from two folders of the inbox, add/ and remove/, oldest first over both, and of the same time those of remove/ first. folders: {} gives these names.',
          ),
        add: words(ADD).describe(`What stands there for a member to be added. Default ${ADD.join(', ')}.`),
        remove: words(REMOVE).describe(`What stands there for one to be removed. Default ${REMOVE.join(', ')}.`),
      })
      .optional()
      .describe('With kind: changes, how a row says whether its member comes or goes. Capital letters do not matter.'),
    rounded: hold.describe(
      'A file whose ids of 16 digits and more mostly end in zeros, which a spreadsheet makes of them. Default hold.',
    ),
    width: hold.describe(
      'A file whose ids of digits are shorter than those of the files before, as when a spreadsheet cuts leading zeros off. Default hold.',
    ),
  })
  .describe('How a membership file is read.');

const share = z.number().min(0).max(1_000_000);

const guards = z
  .strictObject({
    maxShrink: share
      .max(1)
      .default(0.2)
      .describe(
        'The share of the confirmed members that one sync may remove; 0.2 is 20 %. More are held. Default 0.2.',
      ),
    maxGrowth: share
      .default(0.2)
      .describe(
        'The share of the confirmed members that one sync may add, once there are some. More are held. Default 0.2.',
      ),
    unvouched: hold.describe(
      'A file, snapshot or changes, that would remove somebody and that nothing vouches for: no trailer (file.trailer) and no manifest (source.manifest), so that it may have been cut off. Default hold.',
    ),
    missing: z
      .enum(['hold', 'keep'])
      .default('hold')
      .describe(
        'With segmentFrom: column, a segment with members of which a snapshot has no row. hold: it is held as an empty one, and the others are synced. keep: it stays as it is, and a notice says so. Default hold.',
      ),
    adopt: z
      .boolean()
      .default(false)
      .describe(
        'Take over a list that has members already at the first sync: those that can be read and that the file does not name are removed. Default false: it is held.',
      ),
  })
  .prefault({})
  .describe('What is held until a person releases it. Empty snapshots always are.');

const segmentId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, 'expected 1 to 128 letters, digits, dots, dashes and underscores');

const EVERY_FOUR_HOURS = '0 */4 * * *';

const { $schema, id, schedule, ...more } = jobFields;
const { report, ...upkeep } = upkeepFields;

const segmentsJob = z
  .strictObject({
    $schema,
    id,
    pipeline: z.literal('sync-segment').describe('sync-segment keeps the members of segments the same at a target.'),
    ...more,
    schedule: schedule
      .unwrap()
      .default(EVERY_FOUR_HOURS)
      .describe('When the daemon runs the job: five cron fields in `timezone`. Default every four hours.'),
    source: source
      .extend({
        match: source.shape.match
          .optional()
          .describe('Names of the membership files to take, as a glob: "vip-*.csv". Needed with from: inbox.'),
      })
      .describe('Where membership files arrive, and beside which folder results and reports go.'),
    file: fileSettings,
    members,
    segments: z
      .record(segmentId, z.string().trim().min(1).max(255))
      .refine((written) => Object.keys(written).length > 0, 'at least one segment is needed')
      .describe('The segments of the job: your lasting id of each, and what it is called at the target.'),
    most: z
      .int()
      .min(1)
      .max(1000)
      .default(30)
      .describe('How many segments a job may have; each is synced again and again. Default 30.'),
    guards,
    receive: receiveMembersSettings.optional(),
    target: memberTarget,
    delivery: deliverySettings
      .unwrap()
      .omit({ unknown: true, concurrency: true })
      .prefault({})
      .describe('How changes are tried again.'),
    report,
    ...upkeep,
    retention: z
      .strictObject({
        days: stagedDays,
        keys: duration
          .prefault('400d')
          .describe(
            'How long it is remembered which files there were. Members are kept as long as they are members. Default 400d.',
          ),
      })
      .prefault({})
      .describe('How long things are kept.'),
  })
  .superRefine((job, context) => {
    const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    const { from, kind, segment, segmentFrom, segmentColumn, action } = job.members;
    if (from === 'heap') {
      const more = SAID_BY_ITSELF.find((name) => job.members[name] !== undefined);
      if (more !== undefined)
        complain(['members', more], 'what Heap posts says it by itself: with from: heap, leave it out');
      if (job.receive === undefined)
        complain(['receive'], 'members.from is heap: the key of the webhook is needed here, receive: { key: ... }');
    } else if (job.receive !== undefined)
      complain(['receive'], `members.from is ${from}, so nothing is taken from Heap: set members.from: heap`);
    if (from === 'ledger') {
      const more = [...SAID_BY_ITSELF, 'kind' as const].find(
        (name) => job.members[name] !== undefined && job.members[name] !== 'snapshot',
      );
      if (more !== undefined)
        complain(['members', more], 'members.ledger says who is in the segment: with from: ledger, leave it out');
      if (job.members.ledger === undefined)
        complain(['members', 'ledger'], 'members.from is ledger, which needs its settings here');
      if (Object.keys(job.segments).length > 1)
        complain(['segments'], 'members.ledger says who is in one segment; make a job for each');
      if (!isDeepStrictEqual(job.file, fileSettings.parse(undefined)))
        complain(['file'], 'the members are written to a file by Referry itself: leave this out');
    } else if (job.members.ledger !== undefined)
      complain(['members', 'ledger'], `members.from is ${from}, so these settings are not used: set from: ledger`);
    if (from === 'inbox') {
      if (job.members.id === undefined) complain(['members', 'id'], "the column with the member's id is needed");
      if (job.source.match === undefined)
        complain(['source', 'match'], 'names of the membership files are needed, such as "vip-*.csv"');
    }
    const ids = Object.keys(job.segments);
    if (ids.length > job.most)
      complain(['segments'], `found ${ids.length} segments, and most allows ${job.most}; set most, or make two jobs`);
    if (segment !== undefined && segmentFrom !== undefined)
      complain(['members', 'segment'], 'one of segment and segmentFrom is needed; found both');
    if (segment !== undefined && !ids.includes(segment))
      complain(['members', 'segment'], `"${segment}" is not among segments: ${ids.join(', ')}`);
    if (from === 'inbox' && segment === undefined && segmentFrom === undefined && ids.length > 1)
      complain(['members'], 'there are several segments: say with segmentFrom where it stands which one a row is of');
    if (segmentFrom === 'column' && segmentColumn === undefined)
      complain(['members', 'segmentColumn'], 'segmentFrom: column needs the column that holds the segment');
    if (segmentFrom !== 'column' && segmentColumn !== undefined)
      complain(['members', 'segmentColumn'], 'segmentColumn needs segmentFrom: column');
    if (kind === 'changes' && action === undefined)
      complain(['members', 'action'], 'kind: changes needs action, how a row says whether its member comes or goes');
    if (action?.column !== undefined && action.folders !== undefined)
      complain(['members', 'action'], 'one of column and folders is needed; found both');
    if (action?.folders !== undefined && action.folders.add === action.folders.remove)
      complain(['members', 'action', 'folders'], `both are "${action.folders.add}"; two folders are needed`);
    for (const [word, usual] of [
      ['add', ADD],
      ['remove', REMOVE],
    ] as const)
      if (action?.folders !== undefined && !isDeepStrictEqual(action[word], usual))
        complain(['members', 'action', word], 'with folders, the folder of a file says it, and no word: leave it out');
    if (kind === 'snapshot' && action !== undefined)
      complain(['members', 'action'], 'a snapshot has members only: set kind: changes, or leave action out');
    const one = onlyOne(job.target);
    if (one !== undefined && ids.length > 1)
      complain(['segments'], `${one} is one list, and the job has ${ids.length} segments; make a job for each`);
  });

type Written = z.output<typeof segmentsJob>;

/** The columns in which Heap's changes are written down, to be taken as a file. */
export const HEAP_COLUMNS = { segment: 'segment', action: 'action', id: 'id' } as const;
/** The column of the file to which members are written whose rows were delivered. */
export const DELIVERED_COLUMN = 'id';
const SAID_BY_ITSELF = ['id', 'segment', 'segmentFrom', 'segmentColumn', 'action'] as const;

/** What is about events alone, as it is where nobody set it. */
const OF_EVENTS = extoleSettings.omit({ account: true, token: true }).parse({});
const { concurrency, unknown } = deliverySettings.parse({});

/** One member with both actions is a conflict, and neither leaves. */
const REFUSE: 'refuse' | 'first-wins' = 'refuse';

/** Ids of a file that Referry writes itself: no spreadsheet had them. */
const AS_WRITTEN: Omit<MemberRows['key'], 'from'> = {
  ...{ unwrapExcel: false, scientific: 'accept', rounded: 'accept', width: 'accept' },
};

function rowsOf({ members, segments, target }: Written): MemberRows {
  const ids = Object.keys(segments);
  if (members.from === 'heap')
    return {
      ...{ members: true, kind: 'changes', nameFrom: 'column', allowedNames: ids, nameColumn: HEAP_COLUMNS.segment },
      idKind: idKindOf(target),
      action: { column: HEAP_COLUMNS.action, add: ['add'], remove: ['remove'], drain: ['drain'] },
      key: { ...AS_WRITTEN, from: HEAP_COLUMNS.id },
    };
  if (members.from === 'ledger')
    return {
      ...{ members: true, kind: 'snapshot', name: ids[0] ?? '', idKind: idKindOf(target) },
      key: { ...AS_WRITTEN, from: DELIVERED_COLUMN },
    };
  const { kind, id: from = '', action, ...written } = members;
  const { segmentFrom, segmentColumn, rounded, width } = written;
  const name = segmentFrom === undefined ? (written.segment ?? ids[0]) : undefined;
  return {
    members: true,
    kind,
    ...(name === undefined ? {} : { name }),
    ...(segmentFrom === undefined ? {} : { nameFrom: segmentFrom, allowedNames: ids }),
    ...(segmentColumn === undefined ? {} : { nameColumn: segmentColumn }),
    idKind: idKindOf(target),
    ...(action === undefined
      ? {}
      : {
          action: {
            ...(action.column === undefined ? {} : { column: action.column }),
            ...(action.folders === undefined ? {} : { folders: action.folders }),
            add: action.add,
            remove: action.remove,
          },
        }),
    key: { from, unwrapExcel: false, scientific: 'reject', rounded, width },
  };
}

/** In the shape in which files travel: a member is a row, and the id its key. */
function asRows(job: Written) {
  const extole: ExtoleDestinationSettings = { ...OF_EVENTS, account: accountOf(job.target), token: '' };
  return resolveFolders({
    ...job,
    source: { ...job.source, match: job.source.match ?? '*.csv' },
    event: rowsOf(job),
    destination: { extole },
    delivery: { ...job.delivery, concurrency, unknown },
    onConflict: REFUSE,
  });
}

/** A job that keeps segments the same at a target. Once parsed, folders are relative to the folder that holds the inbox. */
export const syncSegment = segmentsJob.transform(asRows);
