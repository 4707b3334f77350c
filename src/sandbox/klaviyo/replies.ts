import type { StandInReply } from '../stand-in.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Invalid input.',
  401: 'Authentication credentials were not provided or are incorrect.',
  403: 'You do not have permission to perform this action.',
  404: 'Not found.',
  405: 'Method not allowed.',
  413: 'Payload too large.',
  415: 'Unsupported media type.',
  429: 'Request was throttled.',
};

let count = 0;

/** An error as JSON:API has it. */
export function apiError(status: number, code: string, detail: string, pointer?: string): StandInReply {
  count += 1;
  const error = {
    id: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    status,
    code,
    title: TITLES[status] ?? 'A server error occurred.',
    detail,
    source: pointer === undefined ? {} : { pointer },
    links: {},
    meta: {},
  };
  return { status, body: JSON.stringify({ errors: [error] }) };
}
