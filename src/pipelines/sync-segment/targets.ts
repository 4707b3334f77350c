import { createBrazeMembership } from '../../destinations/braze/cohorts/open.ts';
import { createAudience } from '../../destinations/extole/audiences/audiences.ts';
import { type AudienceFolders, createAudienceByFiles } from '../../destinations/extole/audiences/sftp.ts';
import { createHubspotList } from '../../destinations/hubspot/lists/lists.ts';
import { createIterableList } from '../../destinations/iterable/lists/lists.ts';
import { createKlaviyoList } from '../../destinations/klaviyo/lists/lists.ts';
import type { MembershipTarget } from '../../destinations/membership.ts';
import type { MemberTargetSettings } from '../../jobs/member-targets.ts';
import { type DestinationIdentity, type Io, TransferError } from '../../model.ts';
import type { RunContext } from '../files/context.ts';
import { openAudienceFolders } from './audience-folders.ts';
import { createMemberFiles } from './member-files.ts';
import { type SharedRemote, shareRemote } from './shared-remote.ts';

/**
 * A way to one segment's members at the target that a job names. Nothing is sent before it is asked for. `run`: what folders are
 * opened with; without it, none can be.
 */
export function openTarget(
  settings: MemberTargetSettings,
  io: Io,
  run?: Pick<RunContext, 'signal' | 'staging' | 'logins'> & { remote?: SharedRemote },
): MembershipTarget {
  const { braze, extole, extoleFiles, hubspot, klaviyo, iterable, files } = settings;
  if (braze) return createBrazeMembership(braze, io);
  if (extole) return createAudience(extole, io);
  if (extoleFiles) {
    const folders = run ? openAudienceFolders(extoleFiles.sftp, { ...run, io }) : UNOPENED;
    return createAudienceByFiles(extoleFiles, folders, io);
  }
  if (hubspot) return createHubspotList(hubspot, io);
  if (klaviyo) return createKlaviyoList(klaviyo, io);
  if (iterable) return createIterableList(iterable, io);
  if (files) return createMemberFiles(files, run && { ...run, io });
  throw new TransferError('CONFIGURATION', 'the job names no target');
}

/** Ways to the members of many segments at once. They are closed one by one; what they share, with this. */
export interface Targets extends AsyncDisposable {
  open(): MembershipTarget;
}

/** Targets of a run: where members go as files, all of them have one connection. */
export function openTargets(
  settings: MemberTargetSettings,
  io: Io,
  run: Pick<RunContext, 'signal' | 'staging' | 'logins'>,
): Targets {
  const place = settings.files?.to ?? settings.extoleFiles?.sftp;
  const remote = place && shareRemote(place, { ...run, io });
  return {
    open: () => openTarget(settings, io, remote ? { ...run, remote } : run),
    [Symbol.asyncDispose]: async () => remote?.[Symbol.asyncDispose](),
  };
}

/** Whose memberships these are: the URL and the credential may change without changing it. */
export function identityOf(settings: MemberTargetSettings, io: Io): DestinationIdentity {
  const target = openTarget(settings, io);
  const { provider, account, target: container } = target.identity;
  // Nothing was sent, so there is nothing to wait for.
  target.close().catch(() => {});
  return { provider, account, container };
}

const notOpened = async (): Promise<never> => {
  throw new TransferError('CONFIGURATION', 'the folders of audiences are opened by a run of the job only');
};

const UNOPENED: AudienceFolders = { put: notOpened, results: notOpened, close: async () => {} };
