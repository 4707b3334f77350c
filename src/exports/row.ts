/** A person and the person's share link. The caller sorts rows by what the format identifies a person with (`CompiledExport.identify`). */
export interface ExportRow {
  /** At least one of email and partnerUserId is there. */
  email?: string;
  /** The company's own id of the person. */
  partnerUserId?: string;
  /** As Extole gave it, with or without `https://`. */
  link: string;
  /** The code at the end of the link. */
  code: string;
  /** Further columns of the source, by name. */
  fields: Readonly<Record<string, string>>;
}

/** Why a row is not in the file. Reasons quote no values: they are shown in reports. */
export interface LeftOut {
  code: string;
  reason: string;
}

/** Hears of each row that is left out, in the order of the rows. */
export type HearLeftOut = (row: ExportRow, why: LeftOut) => void;

/** Counts rows that are left out, by code, and tells of each. */
export function countLeftOut(hear: HearLeftOut | undefined): { counts: Record<string, number>; leave: HearLeftOut } {
  const counts: Record<string, number> = {};
  return {
    counts,
    leave(row, why) {
      counts[why.code] = (counts[why.code] ?? 0) + 1;
      hear?.(row, why);
    },
  };
}

/** All links, or those that changed since the last export. */
export const EXPORT_KINDS = ['snapshot', 'changes'] as const;
export type ExportKind = (typeof EXPORT_KINDS)[number];
