import type { RowRules } from './row-rules.ts';

/** What a folder is for: what a row of a file in it needs, and the event that it becomes. */
export interface FolderKind {
  /** One of these must be in the header, and hold something in each row. */
  oneOf: readonly string[];
  needs?: readonly string[];
  /** `undefined`: the row's own name, else the file's. */
  eventName?: string;
  extra?: Readonly<Record<string, string>>;
}

const KINDS: Readonly<Record<string, FolderKind>> = {
  '/events': { oneOf: ['email', 'partner_user_id'] },
  '/conversions': { oneOf: ['email', 'partner_user_id'], eventName: 'conversion' },
  '/optouts': { oneOf: ['email', 'md5', 'sha1', 'sha256'], eventName: 'optout' },
  '/approvals': { oneOf: ['partner_conversion_id'], eventName: 'approval' },
  '/existing': {
    oneOf: ['email', 'partner_user_id'],
    eventName: 'existing',
    extra: { required_labels: 'existing_customer' },
  },
};

const AUDIENCE = /^\/audiences\/([^/]+)\/(replace|add|remove)$/;

/** Folders that are there from the start. Files in `/dropbox` are never processed. */
export const FOLDERS = [...Object.keys(KINDS), '/audiences', '/dropbox'];

export const WATCHED = Object.keys(KINDS);

/** `undefined`: nobody looks there. */
export function kindOf(folder: string): FolderKind | undefined {
  const known = Object.hasOwn(KINDS, folder) ? KINDS[folder] : undefined;
  if (known) return known;
  const [, audience, change] = AUDIENCE.exec(folder) ?? [];
  if (audience === undefined) return undefined;
  return { oneOf: ['email', 'partner_user_id'], eventName: `audience_${change}`, extra: { audience_id: audience } };
}

const FROM_NAME = /^([A-Za-z][A-Za-z0-9_]*?)[-_]\d{8,14}\.[a-z]+$/;

/** Rules for the rows of a file: `reviews-20201015.csv` names its events, any other name leaves them "unspecified". */
export function rulesFor(kind: FolderKind, name: string, blocked: ReadonlySet<string>, now: string): RowRules {
  return {
    defaultName: FROM_NAME.exec(name)?.[1] ?? 'unspecified',
    forcedName: kind.eventName,
    oneOf: kind.oneOf,
    ...(kind.needs ? { needs: kind.needs } : {}),
    blocked,
    now,
    ...(kind.extra ? { extra: kind.extra } : {}),
  };
}
