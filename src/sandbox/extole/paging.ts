import { errorReply, type Reply } from './errors.ts';

export function ok(value: unknown): Reply {
  return { status: 200, body: JSON.stringify(value) };
}

/** A page of a list by `limit` (default 100, at most 1000) and `offset`; a refusal where they are none. */
export function listed(items: readonly unknown[], query: URLSearchParams): Reply {
  const found = page(items, query);
  return found
    ? ok(found)
    : errorReply('binding_error', { reason: 'limit and offset are numbers, limit at most 1000' });
}

export function page<T>(items: readonly T[], query: URLSearchParams): T[] | undefined {
  const limit = query.get('limit') ?? '100';
  const offset = query.get('offset') ?? '0';
  if (!/^\d{1,9}$/.test(limit) || !/^\d{1,9}$/.test(offset) || Number(limit) > 1000) return undefined;
  return items.slice(Number(offset), Number(offset) + Number(limit));
}
