import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MembershipTarget } from '../../destinations/membership.ts';
import { writeMembers } from '../../exports/members.ts';
import type { MemberFilesSettings } from '../../jobs/member-files.ts';
import { type Answer, TransferError } from '../../model.ts';
import type { FolderContext } from './audience-folders.ts';
import { shareRemote } from './shared-remote.ts';
import { scratchOf } from './sync-context.ts';

/** Members as files in an outbox. A process that dies may leave a change there twice, which says the same. `run`: as of `openTarget`. */
export function createMemberFiles(settings: MemberFilesSettings, run: FolderContext | undefined): MembershipTarget {
  let segment = '';
  const connection = run && (run.remote ?? shareRemote(settings.to, run));

  async function put(
    name: string,
    pages: Iterable<readonly string[]>,
    signal: AbortSignal,
    options: { replace?: boolean },
  ): Promise<string> {
    if (!run || !connection)
      throw new TransferError('CONFIGURATION', 'the outbox of members is opened by a run of the job only');
    const folder = scratchOf(run.staging);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, name);
    try {
      const file = await writeMembers({ path, name, column: settings.column, pages, signal });
      return await (await connection.remote()).publish(name, file, options);
    } finally {
      await rm(path, { force: true });
    }
  }

  async function changed(members: readonly string[], what: 'added' | 'removed', signal: AbortSignal): Promise<Answer> {
    const at = run?.io.now() ?? 0;
    const stamp = new Date(at).toISOString().replace(/[-:.]/g, '');
    try {
      const name = settings.changes ? await put(`${segment}_${stamp}_${what}.csv`, [members], signal, {}) : '';
      // Whatever comes next has a later name: readers go by it, and the same change again is none that is there already.
      while (run?.io.now() === at) await run.io.sleep(1, signal);
      return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: name } };
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      const { code, message, retryable } = error;
      return { kind: retryable ? 'retryable' : 'halted', code, reason: message };
    }
  }

  return {
    maxBatchSize: settings.membersPerFile,
    identity: { provider: 'file', account: settings.account, target: 'outbox' },
    idKind: settings.identifyBy,
    async prepare({ id }) {
      segment = id;
      return { targetId: id };
    },
    async apply({ add, remove }, signal) {
      signal.throwIfAborted();
      const added = add.length === 0 ? undefined : await changed(add, 'added', signal);
      const removed = remove.length === 0 ? undefined : await changed(remove, 'removed', signal);
      return { add: add.flatMap(() => added ?? []), remove: remove.flatMap(() => removed ?? []) };
    },
    async publish(members, signal) {
      if (settings.snapshot) await put(`${segment}_members.csv`, members, signal, { replace: true });
    },
    async close() {
      if (!run?.remote) await connection?.[Symbol.asyncDispose]();
    },
  };
}
