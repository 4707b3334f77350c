import { hash } from 'node:crypto';
import type * as z from 'zod';
import { compileMapping } from '../../src/mapping/compile.ts';
import { eventSettings } from '../../src/mapping/settings.ts';
import type { Mapped } from '../../src/model.ts';

export const NOW = Date.UTC(2026, 10, 21, 9);
export const BASE = {
  name: 'account_opened',
  key: 'id',
  time: 'at',
  data: { email: 'email', partner_user_id: 'member' },
};
export const GOOD = { id: 'A-1', at: '2026-11-20T14:03:00Z', email: 'jane@example.com', member: '007' };

export type Settings = Partial<z.input<typeof eventSettings>>;

export function mapRow(row: Record<string, string | undefined>, settings: Settings = {}, fileName = 'x.csv'): Mapped {
  const parsed = eventSettings.parse({ ...BASE, ...settings });
  const context = { fileName, now: NOW, hash: (text: string) => hash('sha256', text).slice(0, 32) };
  return compileMapping(parsed, Object.keys(row), context)(Object.values(row), 2);
}

/** The data sent, or the code of the refusal. */
export function dataOf(row: Record<string, string | undefined>, data: Settings['data']): unknown {
  const mapped = mapRow({ ...GOOD, ...row }, { data: { ...BASE.data, ...data } });
  if (!mapped.ok) return mapped.code;
  const { partner_conversion_id, email, partner_user_id, ...rest } = mapped.event.data;
  return rest;
}

export function codeOf(row: Record<string, string | undefined>, settings: Settings = {}): string {
  const mapped = mapRow({ ...GOOD, ...row }, settings);
  return mapped.ok ? 'ok' : mapped.code;
}
