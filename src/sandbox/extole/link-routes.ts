/** A request about persons, their share links, or reports. */
export type LinkRoute =
  | { kind: 'links'; of: 'persons'; method: string; personId: string }
  | {
      kind: 'links';
      of: 'shareables';
      method: string;
      api: 'v3' | 'v5';
      personId: string;
      /** Empty where the path has none. */
      code: string;
      query: URLSearchParams;
    }
  | {
      kind: 'links';
      of: 'reports';
      method: string;
      /** Empty where the path has none. */
      id: string;
      /** `info`, `download`, `download.csv`, or empty. */
      action: string;
      query: URLSearchParams;
    };

const SHAREABLES = /^\/(v3|v5)\/persons\/([^/]+)\/shareables(?:\/([^/]+))?$/;
const PERSON = /^\/v5\/persons\/([^/]+)$/;
const REPORTS = /^\/v4\/reports(?:\/([^/]+)(?:\/([^/]+))?)?$/;

/** `undefined` where the path is none of these. `GET /v5/persons` is a search, which is answered elsewhere. */
export function linkRoute(method: string, path: string, query: URLSearchParams): LinkRoute | undefined {
  if (path === '/v5/persons' && method === 'POST') return { kind: 'links', of: 'persons', method, personId: '' };
  const [, one] = PERSON.exec(path) ?? [];
  if (one !== undefined) return { kind: 'links', of: 'persons', method, personId: decode(one) };
  const [, api, personId, code = ''] = SHAREABLES.exec(path) ?? [];
  if (personId !== undefined && (api === 'v3' || api === 'v5')) {
    return { kind: 'links', of: 'shareables', method, api, personId: decode(personId), code: decode(code), query };
  }
  const report = REPORTS.exec(path);
  if (!report) return undefined;
  const [, id = '', action = ''] = report;
  return { kind: 'links', of: 'reports', method, id: decode(id), action, query };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
