import type { Io } from '../../model.ts';
import { errorReply, type Reply } from './errors.ts';
import { ok, page } from './paging.ts';
import { checkShareable, type ShareableRequest } from './shareable-rules.ts';
import type { Store } from './store.ts';

/** A link as the account keeps it. */
export interface StoredShareable {
  personId: string;
  code: string;
  key: string;
  label: string;
  content: Readonly<Record<string, unknown>>;
  data: Readonly<Record<string, string>>;
  programUrl: string;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export interface ShareableOptions {
  /**
   * What a second link with a known key gives: Extole's specification says `shareable_key_taken` (`refused`), one of its guides
   * that the same link comes back (`same`). `free`: nobody looks.
   */
  keys: 'refused' | 'same' | 'free';
  /** Words that no code may hold, in lower case. */
  reservedWords: readonly string[];
  /** Codes of promotions, in lower case. */
  promotions: ReadonlySet<string>;
  /** How other codes are suggested where one is taken: as a list, as one text, or not at all. */
  suggest: 'list' | 'text' | 'none';
  /** The programs of the account; empty: any URL will do. */
  programs: readonly string[];
  /** What the field is called, where links are made with v3. */
  v3ProgramField: 'program-url' | 'program_url';
  /** Hosts that no content may lead to. */
  blockedHosts: readonly string[];
  /** Whether somebody without an e-mail may have a link. */
  withoutEmail: boolean;
  /** What stands before the code: `https://`, `http://`, or nothing, as in Extole's webhooks. */
  scheme: string;
  domain: string;
  /** Until a link is listed. */
  showAfterMs: number;
  /** Status of refusals: as in the specification (403), or as in the guides (400, 404). */
  statuses: 'specification' | 'guide';
}

export const SHAREABLE_DEFAULTS: ShareableOptions = {
  keys: 'refused',
  reservedWords: ['extole', 'admin'],
  promotions: new Set(),
  suggest: 'list',
  programs: [],
  v3ProgramField: 'program-url',
  blockedHosts: [],
  withoutEmail: false,
  scheme: 'https://',
  domain: 'share.acme.example',
  showAfterMs: 0,
  statuses: 'specification',
};

export interface Shareables {
  /** Whoever they belong to, oldest first. */
  readonly all: readonly StoredShareable[];
  create(personId: string, body: unknown, api: 'v3' | 'v5'): { reply: Reply; code: string };
  /** Without any rule; for what is there before a test begins, and for Extole's own extensions. */
  put(shareable: Pick<StoredShareable, 'personId' | 'label'> & Partial<StoredShareable>): StoredShareable;
  list(personId: string, query: URLSearchParams): Reply;
  get(personId: string, code: string): Reply;
  linkOf(shareable: Pick<StoredShareable, 'code'>): string;
}

export function createShareables(io: Io, store: Store, options: ShareableOptions): Shareables {
  const all: StoredShareable[] = [];
  const byCode = new Map<string, StoredShareable>();
  const byKey = new Map<string, StoredShareable>();

  function put(given: Pick<StoredShareable, 'personId' | 'label'> & Partial<StoredShareable>): StoredShareable {
    const made: StoredShareable = {
      key: '',
      content: {},
      data: {},
      programUrl: '',
      createdAt: io.now(),
      ...given,
      code: given.code ?? freeCode(),
    };
    all.push(made);
    byCode.set(made.code.toLowerCase(), made);
    if (made.key !== '' && !byKey.has(made.key)) byKey.set(made.key, made);
    store.keep(made.personId);
    return made;
  }

  function freeCode(): string {
    for (let n = all.length; ; n += 1) {
      const code = `x${(n * 7919 + 46_656).toString(36)}`.padEnd(5, '0');
      if (!byCode.has(code)) return code;
    }
  }

  function refuse(code: Parameters<typeof errorReply>[0], parameters: Readonly<Record<string, unknown>> = {}): Reply {
    const reply = errorReply(code, parameters);
    if (options.statuses === 'specification' || reply.status !== 403) return reply;
    const status = code === 'person_not_found' || code === 'shareable_not_found' ? 404 : 400;
    return { ...reply, status };
  }

  function suggestionsFor(code: string): Readonly<Record<string, unknown>> {
    if (options.suggest === 'none') return { code };
    const found: string[] = [];
    for (let n = 10; found.length < 3; n += 1) {
      const other = `${code.slice(0, 46)}${n}`;
      if (!byCode.has(other.toLowerCase())) found.push(other);
    }
    return { code, code_suggestions: options.suggest === 'list' ? found : found.join(', ') };
  }

  function taken(request: ShareableRequest): Reply | undefined {
    const code = request.code?.toLowerCase();
    if (code !== undefined && options.promotions.has(code)) return refuse('code_taken_by_promotion');
    if (code !== undefined && byCode.has(code)) return refuse('code_taken', suggestionsFor(request.code ?? ''));
    return undefined;
  }

  function create(personId: string, body: unknown, api: 'v3' | 'v5'): { reply: Reply; made?: StoredShareable } {
    const person = store.person(personId);
    if (!person) return { reply: refuse('person_not_found', { person_id: personId }) };
    const request = checkShareable(body, api === 'v3' ? options.v3ProgramField : 'program_url', options);
    if ('error' in request) return { reply: refuse(request.error, request.parameters) };
    if (person.email === undefined && !options.withoutEmail) return { reply: refuse('person_not_rewardable') };
    const known = byKey.get(request.key);
    if (known && options.keys === 'same') return { reply: ok(bodyOf(known)) };
    const refusal = taken(request);
    if (refusal) return { reply: refusal };
    if (known && options.keys === 'refused') return { reply: refuse('shareable_key_taken') };
    const { code, ...rest } = request;
    const made = put({ personId, ...rest, ...(code === undefined ? {} : { code }) });
    return { reply: ok(bodyOf(made)), made };
  }

  function linkOf({ code }: Pick<StoredShareable, 'code'>): string {
    return `${options.scheme}${options.domain}/${code}`;
  }

  function bodyOf(one: StoredShareable): object {
    const date = new Date(one.createdAt).toISOString();
    return {
      code: one.code,
      content: one.content,
      created_date: date,
      data: Object.fromEntries(Object.entries(one.data).map(([name, value]) => [name, { name, value }])),
      key: one.key,
      label: one.label,
      link: linkOf(one),
      updated_date: date,
    };
  }

  return {
    all,
    put,
    linkOf,
    create(personId, body, api) {
      const { reply, made } = create(personId, body, api);
      return { reply, code: made?.code ?? '' };
    },
    list(personId, query) {
      if (!store.person(personId)) return refuse('person_not_found', { person_id: personId });
      const labels = query.getAll('labels');
      const shownBy = io.now() - options.showAfterMs;
      const found = all
        .filter((one) => one.personId === personId && one.createdAt <= shownBy)
        .filter((one) => labels.length === 0 || labels.includes(one.label))
        .sort((a, b) => b.createdAt - a.createdAt);
      const part = page(found, query);
      if (!part) return errorReply('binding_error', { reason: 'limit and offset are numbers, limit at most 1000' });
      return ok(part.map(bodyOf));
    },
    get(personId, code) {
      const found = byCode.get(code.toLowerCase());
      return found?.personId === personId ? ok(bodyOf(found)) : refuse('shareable_not_found');
    },
  };
}
