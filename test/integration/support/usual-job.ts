/** Parts of a job file. */
export type Json = { readonly [name: string]: unknown };

/** `event` of a job for rows `id,email,member,at,amount`. */
export const USUAL_EVENT = {
  name: 'account_opened',
  key: 'id',
  time: 'at',
  data: {
    email: 'email',
    partner_user_id: 'member',
    cart_value: { from: 'amount', type: 'money', currency: 'USD', locale: 'plain' },
  },
};

/** References as job files have them. */
export const fromEnv = (name: string): string => `\${env:${name}}`;
export const fromFile = (path: string): string => `\${file:${path}}`;

/** Objects are merged, everything else is replaced; `null` removes. */
export function merged(base: Json, change: Json): Json {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(change)) {
    const old = result[name];
    if (value === null) delete result[name];
    else result[name] = isObject(old) && isObject(value) ? merged(old, value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
