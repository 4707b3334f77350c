import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { audienceSftpSettings } from '../../src/destinations/extole/audiences/settings.ts';
import { type AudienceFolders, createAudienceByFiles } from '../../src/destinations/extole/audiences/sftp.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import { audienceFiles } from '../../src/jobs/audience-files.ts';
import { TransferError } from '../../src/model.ts';
import { openAudienceFolders } from '../../src/pipelines/sync-segment/audience-folders.ts';
import type { Behaviour } from '../../src/sandbox/extole/folder-behaviour.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { closeFolders, closeLater, extoleFolders, type Place } from './extole-folder-setup.ts';
import { io } from './extole-setup.ts';
import { kinds, NEVER, SEGMENT } from './support/membership-suite.ts';

afterEach(closeFolders);

interface World extends Place {
  audience: string;
  members(): string[];
  folders: AudienceFolders;
}

/** Extole's folders with an audience, looked into all the time. */
async function world(behaviour: Partial<Behaviour> = {}): Promise<World> {
  const place = await extoleFolders({ hasty: true, ...behaviour }, { everyMs: 20, withAudiences: true });
  const audience = place.extole.audiences.make(SEGMENT.name).id;
  const inFolder = (folder: string, ...names: string[]): string => join(place.root, 'audiences', folder, ...names);
  for (const change of ['add', 'remove', 'replace']) mkdirSync(inFolder(`${audience}/${change}`), { recursive: true });
  const folders: AudienceFolders = {
    async put(folder, name, contents) {
      const archived = inFolder(folder, 'archive', name);
      if (existsSync(inFolder(folder, name)) || existsSync(archived)) return false;
      writeFileSync(inFolder(folder, `${name}.tmp`), contents, { mode: 0o644 });
      renameSync(inFolder(folder, `${name}.tmp`), inFolder(folder, name));
      return true;
    },
    async results(folder, name) {
      const results = inFolder(folder, 'results');
      const stem = name.replace('.csv', '');
      const found = existsSync(results) ? readdirSync(results).filter((one) => one.startsWith(stem)) : [];
      return found.map((one) => readFileSync(join(results, one), 'utf8'));
    },
    close: async () => {},
  };
  const members = (): string[] => [...(place.extole.audiences.get(audience)?.members ?? [])].sort();
  return { ...place, audience, members, folders };
}

async function targetTo(
  { audience, folders }: World,
  settings: object = {},
  over: Partial<AudienceFolders> = {},
): Promise<MembershipTarget> {
  const quick = { poll: '30ms', settle: '300ms', completeWithin: '20s' };
  const parsed = audienceSftpSettings.parse({
    account: 'acme',
    audiences: { [SEGMENT.id]: audience },
    ...quick,
    ...settings,
  });
  const target = createAudienceByFiles(parsed, { ...folders, ...over }, io);
  closeLater(() => target.close());
  await target.prepare(SEGMENT, NEVER);
  return target;
}

const ann = 'ann@example.com';
const bob = 'bob@example.com';
const cid = 'cid@example.com';

test.each(['status-message', 'result-error-row', 'success'] as const)(
  'members are added and removed by files, and their results (%s) are read back',
  async (layout) => {
    const at = await world({ layout });
    const target = await targetTo(at);
    expect(await target.prepare(SEGMENT, NEVER)).toEqual({ targetId: at.audience });
    expect(kinds(await target.apply({ add: [ann, bob], remove: [] }, NEVER))).toEqual([['accepted', 'accepted'], []]);
    expect(kinds(await target.apply({ add: [cid], remove: [ann] }, NEVER))).toEqual([['accepted'], ['accepted']]);
    expect(at.members()).toEqual([bob, cid]);
    const names = at.folder.taken.map(({ name }) => name);
    expect(new Set(names).size).toBe(3);
    expect(names.filter((name) => !/^audience_\d{14}\.csv$/.test(name))).toEqual([]);
  },
);

test('a row that Extole refuses is rejected with its words, and the others are accepted', async () => {
  const at = await world({
    refuseRow: ({ values }) => (values.email === bob ? { code: 'bad', message: `no such person ${bob}` } : undefined),
  });
  const answers = await (await targetTo(at)).apply({ add: [ann, bob], remove: [] }, NEVER);
  expect(answers.add).toMatchObject([{ kind: 'accepted' }, { kind: 'rejected', code: 'MEMBER_NOT_TAKEN' }]);
  expect(JSON.stringify(answers)).not.toContain(bob);
});

test('results that are half written at first, and those whose last lines come late, are waited for', async () => {
  const at = await world({ halfWrittenMs: 100, late: ({ values }) => values.email === bob, lateAfterMs: 100 });
  const answers = await (await targetTo(at, { settle: '2s' })).apply({ add: [ann, bob, cid], remove: [] }, NEVER);
  expect(kinds(answers)).toEqual([Array(3).fill('accepted'), []]);
});

test('a member of whom the results never speak is unknown, once they change no more', async () => {
  const at = await world({ missing: ({ values }) => values.email === bob });
  const answers = await (await targetTo(at)).apply({ add: [ann, bob], remove: [] }, NEVER);
  expect(answers.add).toMatchObject([{ kind: 'accepted' }, { kind: 'unknown', code: 'RESULTS_INCOMPLETE' }]);
});

test('a file that Extole refuses as a whole stops the target with its words, and nothing more is put', async () => {
  const at = await world({ refuseFile: () => 'Incorrect file encoding' });
  const answers = await (await targetTo(at)).apply({ add: [ann], remove: [bob] }, NEVER);
  const halted = { kind: 'halted', code: 'EXTOLE_FILE_REFUSED', reason: expect.stringContaining('Incorrect file') };
  expect(answers).toMatchObject({ add: [halted], remove: [halted] });
  expect(at.folder.taken).toHaveLength(1);
});

test('a change that Extole does not make is told with its own reason, and not with one about counts', async () => {
  const at = await world();
  at.extole.audiences.behaviour.fails = () => 'COLUMN_CONFIGURATION_ERROR';
  const answers = await (await targetTo(at)).apply({ add: [ann], remove: [] }, NEVER);
  expect(answers.add).toMatchObject([
    { kind: 'halted', reason: expect.stringContaining('COLUMN_CONFIGURATION_ERROR') },
  ]);
  expect(at.members()).toEqual([]);
});

test('results that nobody can make sense of stop the target', async () => {
  const at = await world({ layout: { names: ['x'], cells: () => ['perhaps'], metadata: () => ['perhaps'] } });
  const answers = await (await targetTo(at)).apply({ add: [ann], remove: [] }, NEVER);
  expect(answers.add).toMatchObject([{ kind: 'halted', code: 'RESULTS_UNREADABLE', doubtful: true }]);
});

test('a file that gets no results is unknown after a while; sent again it has another name and does no harm', async () => {
  const at = await world({ silent: true });
  const first = await (await targetTo(at, { completeWithin: '200ms' })).apply({ add: [ann], remove: [] }, NEVER);
  expect(first.add).toMatchObject([{ kind: 'unknown', code: 'STILL_WORKING' }]);
  at.folder.behaviour.silent = false;
  expect(kinds(await (await targetTo(at)).apply({ add: [ann], remove: [] }, NEVER))).toEqual([['accepted'], []]);
  expect(new Set(at.folder.taken.map(({ name }) => name)).size).toBe(2);
  expect(at.members()).toEqual([ann]);
});

test('results that may not be read stop the target, once the answers to the files before them are known', async () => {
  const at = await world();
  let trouble: TransferError | undefined;
  const results: AudienceFolders['results'] = async (folder, ...rest) => {
    if (folder.endsWith('remove') && trouble) throw trouble;
    return await at.folders.results(folder, ...rest);
  };
  const target = await targetTo(at, {}, { results });
  expect(kinds(await target.apply({ add: [ann], remove: [] }, NEVER))).toEqual([['accepted'], []]);
  trouble = new TransferError('PERMISSION_DENIED', 'remove/results: permission denied');
  const answers = await target.apply({ add: [bob], remove: [ann] }, NEVER);
  const reason = expect.stringContaining('permission denied');
  expect(answers).toMatchObject({
    add: [{ kind: 'accepted' }],
    remove: [{ kind: 'halted', code: 'PERMISSION_DENIED', reason, doubtful: true }],
  });
  trouble = new TransferError('UNREACHABLE', 'no server there', { retryable: true });
  const later = targetTo(at, { completeWithin: '200ms' }, { results });
  expect((await (await later).apply({ add: [], remove: [ann] }, NEVER)).remove).toMatchObject([
    { kind: 'unknown', code: 'STILL_WORKING' },
  ]);
});

test('a name that is taken is passed over, and a server that cannot be reached is told apart from one that refuses', async () => {
  const at = await world();
  let calls = 0;
  const put: AudienceFolders['put'] = async (...args) => {
    calls += 1;
    return calls === 1 ? false : await at.folders.put(...args);
  };
  expect(kinds(await (await targetTo(at, {}, { put })).apply({ add: [ann], remove: [] }, NEVER))).toEqual([
    ['accepted'],
    [],
  ]);
  for (const [retryable, kind] of [
    [true, 'unknown'],
    [false, 'halted'],
  ] as const) {
    const broken = async (): Promise<boolean> => {
      throw new TransferError('UNREACHABLE', 'no server there', { retryable });
    };
    const answers = await (await targetTo(at, {}, { put: broken })).apply({ add: [bob], remove: [cid] }, NEVER);
    expect(answers.add[0]?.kind).toBe(kind);
  }
  expect(at.members()).toEqual([ann]);
});

test("the folders of Extole's own SFTP server do all of it, and nothing stays on this machine", async () => {
  const root = mkdtempSync(join(tmpdir(), 'referry-audience-folders-'));
  closeLater(async () => rmSync(root, { recursive: true }));
  const sandbox = await startSandbox({ io, root, sftpPort: 0, extolePort: 0, extoleSftpPort: 0 });
  closeLater(() => sandbox.close());
  const audience = sandbox.extole.audiences.make(SEGMENT.name).id;
  for (const change of ['add', 'remove'])
    mkdirSync(join(root, 'extole/sftp/audiences', audience, change), { recursive: true });
  const { EXTOLE_SFTP_URL = '', EXTOLE_SFTP_HOST_KEY, EXTOLE_SFTP_KEY_FILE = '' } = sandbox.env;
  const settings = audienceFiles.parse({
    ...{ account: 'acme', audiences: { [SEGMENT.id]: audience }, poll: '100ms', settle: '5s' },
    sftp: {
      url: EXTOLE_SFTP_URL.replace(/events$/, 'audiences'),
      hostKey: EXTOLE_SFTP_HOST_KEY,
      privateKey: readFileSync(EXTOLE_SFTP_KEY_FILE, 'utf8'),
    },
  });
  const staging = join(root, 'staging');
  const folders = openAudienceFolders(settings.sftp, { io, signal: NEVER, staging });
  const target = createAudienceByFiles(settings, folders, io);
  closeLater(() => target.close());
  await target.prepare(SEGMENT, NEVER);
  expect(kinds(await target.apply({ add: [ann, bob], remove: [] }, NEVER))).toEqual([['accepted', 'accepted'], []]);
  expect(kinds(await target.apply({ add: [cid], remove: [ann] }, NEVER))).toEqual([['accepted'], ['accepted']]);
  expect([...(sandbox.extole.audiences.get(audience)?.members ?? [])].sort()).toEqual([bob, cid]);
  expect(readdirSync(join(staging, 'audiences'))).toEqual([]);
  const { name = '', folder = '' } = sandbox.extoleSftp?.folder.taken[0] ?? {};
  expect(folder).toBe(`/audiences/${audience}/add`);
  expect(await folders.put(`${audience}/add`, name, 'email\n', NEVER)).toBe(false);
  const results = join(root, 'extole/sftp/audiences', audience, 'add/results');
  const [own = ''] = readdirSync(results).filter((one) => one.startsWith(name.replace('.csv', '')));
  truncateSync(join(results, own), 129 * 1024 * 1024);
  await expect(folders.results(`${audience}/add`, name, NEVER)).rejects.toMatchObject({
    code: 'RESULTS_UNREADABLE',
    message: expect.stringContaining(own),
    retryable: false,
  });
});

test('a segment without an audience is refused before anything is put', async () => {
  const at = await world();
  const target = await targetTo(at);
  await expect(target.prepare({ ...SEGMENT, id: 'vip' }, NEVER)).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('vip'),
  });
});
