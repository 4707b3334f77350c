/** What people can be told of. */
export const NOTICE_KINDS = [
  'file-refused',
  'file-held',
  'rejects',
  'imbalance',
  'destination-halted',
  'source-unreachable',
  'run-stopped',
  'waiting',
  'expiring',
  'file-late',
  'file-missing',
  'file-early',
  'file-too-small',
  'file-too-large',
  'sequence-gap',
  'export-held',
  'target-stopped',
  'success',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

export type Severity = 'info' | 'warning' | 'error' | 'critical';

/** How pressing each kind is. */
export const SEVERITY: Readonly<Record<NoticeKind, Severity>> = {
  'file-refused': 'error',
  'file-held': 'error',
  rejects: 'warning',
  imbalance: 'critical',
  'destination-halted': 'critical',
  'source-unreachable': 'critical',
  'run-stopped': 'error',
  waiting: 'warning',
  expiring: 'warning',
  'file-late': 'warning',
  'file-missing': 'error',
  'file-early': 'warning',
  'file-too-small': 'warning',
  'file-too-large': 'warning',
  'sequence-gap': 'warning',
  'export-held': 'error',
  'target-stopped': 'error',
  success: 'info',
};

/** Told to every channel, whatever it asked for: the numbers themselves cannot be trusted then. */
export const ALWAYS: ReadonlySet<NoticeKind> = new Set<NoticeKind>(['imbalance']);

/** Told where it is asked for by name only. */
export const ON_REQUEST: ReadonlySet<NoticeKind> = new Set<NoticeKind>(['success']);

/** Whether a channel wants to be told. */
export function wants(events: readonly NoticeKind[] | undefined, kind: NoticeKind): boolean {
  if (ALWAYS.has(kind)) return true;
  return events === undefined ? !ON_REQUEST.has(kind) : events.includes(kind);
}
