/** Input rows, made here and nowhere else: what is expected of them never comes from the program. */
export interface Row {
  id: string;
  email: string;
  member: string;
  at: string;
  amount: string;
}

export const HEADER = 'id,email,member,at,amount';

/** An hour ago, as a whole second, so that no row is too old or ahead. */
export const AT = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000).toISOString().replace('.000Z', 'Z');

/** Everybody's own row, with an id that tells its number and its file. */
export function row(id: string, change: Partial<Row> = {}): Row {
  return {
    id,
    email: `${id.toLowerCase()}@private.example`,
    member: `M-${id}`,
    at: AT,
    amount: `${(hashOf(id) % 9000) + 1}.50`,
    ...change,
  };
}

export function rows(prefix: string, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => row(`${prefix}-${String(i + 1).padStart(4, '0')}`));
}

export const lineOf = ({ id, email, member, at, amount }: Row): string => [id, email, member, at, amount].join(',');

export function csv(list: readonly (Row | string)[], header = HEADER): string {
  return `${[header, ...list.map((each) => (typeof each === 'string' ? each : lineOf(each)))].join('\n')}\n`;
}

/** The `data` that Extole must get for a row. */
export function dataOf({ id, email, member, amount }: Row): Record<string, string> {
  return {
    email,
    partner_user_id: member,
    cart_value: amount,
    partner_conversion_id: id,
    container: 'production',
  };
}

function hashOf(text: string): number {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003;
  return hash;
}
