import type { ExportRow } from '../../../src/exports/row.ts';

/** 2026-11-21 at 03:04:05 in UTC, and the evening before in America. */
export const AT = Date.UTC(2026, 10, 21, 3, 4, 5);

export function person(number: number, over: Partial<ExportRow> = {}): ExportRow {
  const padded = String(number).padStart(6, '0');
  return {
    email: `p${padded}@example.com`,
    partnerUserId: `id-${padded}`,
    link: `share.example.com/p${number}`,
    code: `p${number}`,
    fields: {},
    ...over,
  };
}

/** A person without an e-mail address. */
export function nameless(number: number, over: Partial<ExportRow> = {}): ExportRow {
  const { email: _, ...rest } = person(number, over);
  return rest;
}
