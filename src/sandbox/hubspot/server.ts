import { parsed } from '../json.ts';
import {
  type StandIn,
  type StandInOptions,
  type StandInReply,
  type StandInRequest,
  serveStandIn,
} from '../stand-in.ts';
import { type BatchBehaviour, batchCreate, batchRead, batchUpdate } from './batches.ts';
import { refusal, wrong } from './errors.ts';
import { createImports, type Imports } from './imports.ts';
import { createLimiter, DOCUMENTED, type HubspotLimits } from './limits.ts';
import { createLists, type Lists } from './lists.ts';
import { createProperty } from './properties.ts';
import { missingScope, SCOPES, scopeFor, TOKEN_INFO, tokenInfo } from './scopes.ts';
import { searchContacts } from './search.ts';
import { type Contacts, createContacts, type StoredContact } from './store.ts';

export interface HubspotOptions extends StandInOptions {
  /** The token that is accepted. */
  token?: string;
  /** What the app may do; default all. */
  scopes?: readonly string[];
  limits?: Partial<HubspotLimits>;
  /** Record ids count from here. */
  firstId?: number;
  /** Property groups that exist. */
  groups?: readonly string[];
  batches?: Partial<BatchBehaviour>;
  /** Whether a search names a property that is not there by a code, or in words only. */
  searchesWithCode?: boolean;
  /** Looks at an import until it is done. */
  importLooks?: number;
}

export interface HubspotStandIn extends StandIn {
  contacts: Contacts;
  imports: Imports;
  lists: Lists;
  limits: HubspotLimits;
  batches: BatchBehaviour;
  /** The search index stands still from now on, as it does for seconds; with false it is up to date again. */
  freezeIndex(frozen: boolean): void;
}

export const HUBSPOT_TOKEN = 'sandbox-hubspot-token';

const CONTACTS = '/crm/v3/objects/contacts';
const IMPORTS = /^\/crm\/v3\/imports(?:\/(\d+)(\/errors)?)?$/;

/** HubSpot's contacts, properties, search and imports, as documented and as strict. */
export async function startHubspot(options: HubspotOptions): Promise<HubspotStandIn> {
  const { io, token = HUBSPOT_TOKEN } = options;
  const contacts = createContacts(() => io.now(), options.firstId ?? 101);
  const limits: HubspotLimits = { ...DOCUMENTED, ...options.limits };
  const limiter = createLimiter(limits);
  const batches: BatchBehaviour = { multiStatus: true, ...options.batches };
  const groups = new Set(options.groups ?? ['contactinformation']);
  const scopes = new Set(options.scopes ?? SCOPES);
  const lists = createLists(contacts);
  const imports = createImports(contacts, options.importLooks ?? 2);
  let index: StoredContact[] | undefined;

  function answer(request: StandInRequest): StandInReply {
    const { method, path, headers } = request;
    if (headers.authorization !== `Bearer ${token}`) {
      const message = 'Authentication credentials not found. This API supports OAuth 2.0 authentication';
      return refusal({ status: 401, category: 'INVALID_AUTHENTICATION', message });
    }
    if (path === TOKEN_INFO) return tokenInfo(request, token, scopes);
    const { refused, headers: beside } = limiter.take(path === `${CONTACTS}/search`, io.monotonic());
    if (refused) return { ...refused, headers: beside };
    const scope = scopeFor(path, method);
    if (!scopes.has(scope)) return { ...missingScope(scope), headers: beside };
    if (path.startsWith('/crm/v3/lists')) return { ...lists.answer(request), headers: beside };
    const of = IMPORTS.exec(path);
    const reply = of ? answerImport(request, of[1], of[2] !== undefined) : answerJson(request, method);
    return { ...reply, headers: beside };
  }

  function answerImport(request: StandInRequest, id: string | undefined, errors: boolean): StandInReply {
    if (request.method === 'POST' && id === undefined) return imports.start(request);
    if (request.method !== 'GET') return notHere;
    if (id === undefined) return imports.list(request.query);
    return errors ? imports.errors(id, request.query) : imports.look(id);
  }

  function answerJson({ path, headers, body }: StandInRequest, method: string): StandInReply {
    if (method !== 'POST') return notHere;
    if (!/^application\/json\b/.test(headers['content-type'] ?? ''))
      return refusal({ status: 415, category: 'VALIDATION_ERROR', message: 'Unsupported media type' });
    const json = parsed(body);
    if (json === undefined) return refusal(wrong('Invalid input JSON'));
    switch (path) {
      case `${CONTACTS}/batch/read`:
        return batchRead(json, contacts);
      case `${CONTACTS}/batch/create`:
        return batchCreate(json, contacts, batches);
      case `${CONTACTS}/batch/update`:
        return batchUpdate(json, contacts, batches);
      case `${CONTACTS}/search`:
        return searchContacts(json, contacts, index ?? contacts.all(), options.searchesWithCode ?? false);
      case '/crm/v3/properties/contacts':
        return createProperty(json, contacts, groups);
      default:
        return notHere;
    }
  }

  const server = await serveStandIn(options, { name: 'HubSpot', answer, errorBody, secrets: ['tokenKey'] });
  return Object.assign(server, {
    contacts,
    imports,
    lists,
    limits,
    batches,
    freezeIndex(frozen: boolean) {
      index = frozen ? structuredClone([...contacts.all()]) : undefined;
    },
  });
}

const notHere: StandInReply = {
  status: 404,
  body: '<html><body>Page not found</body></html>',
  headers: { 'content-type': 'text/html' },
};

function errorBody(status: number): string {
  const category = status === 403 ? 'MISSING_SCOPES' : 'INTERNAL_ERROR';
  return JSON.stringify({ status: 'error', message: `status ${status}`, category });
}
