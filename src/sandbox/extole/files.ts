import type { Io } from '../../model.ts';
import { isObject, parsed } from '../json.ts';
import { decodeFile, type RowFormat, UnreadableFile } from './dialect.ts';
import { errorReply, type Reply } from './errors.ts';
import { boundaryOf, type Part, partsOf } from './multipart.ts';
import { listed, ok } from './paging.ts';

/** A file that was uploaded, as `GET /v6/files/{id}` shows it. */
export interface FileAsset {
  id: string;
  name: string;
  status: 'AVAILABLE' | 'EXPIRED';
  review_status: 'PENDING_REVIEW' | 'APPROVED' | 'DENIED';
  tags: string[];
  format: RowFormat;
  created_date: string;
  updated_date: string;
  user_id: string;
  size: number;
}

export interface FileOptions {
  io: Io;
  /** Names of the two parts, which are not documented; the default is what the specification's schema calls them. */
  parts?: { metadata: string; file: string };
  review?: FileAsset['review_status'];
  /** Names that are allowed. "Only alphanumeric characters", says the message; a file's own name, the default, has a dot. */
  names?: RegExp;
}

export interface FileAssets {
  /** `POST /v6/files`; `id` is empty where none was made. */
  create(contentType: string | undefined, body: Buffer): { reply: Reply; id: string };
  list(query: URLSearchParams): Reply;
  get(id: string): Reply;
  download(id: string, query: URLSearchParams): Reply;
  expire(id: string): Reply;
  remove(id: string): Reply;
  /** For a batch; the refusal where it cannot be read. */
  open(id: string): { asset: FileAsset; text: string } | Reply;
}

export const PARTS = { metadata: 'fileAssetMetadata', file: 'fileInputStreamRequest' } as const;

const FORMATS = ['CSV', 'PSV', 'JSON', 'JSONL'] as const satisfies readonly RowFormat[];
const NAME = /^[A-Za-z0-9._-]{1,255}$/;
const TYPES = { CSV: 'text/csv', PSV: 'text/plain', JSON: 'application/json', JSONL: 'application/x-ndjson' } as const;

/** Files of an account. Their names are unique, those of expired ones included. */
export function createFileAssets(options: FileOptions): FileAssets {
  const { io, parts: names = PARTS, review = 'APPROVED', names: allowed = NAME } = options;
  const assets = new Map<string, FileAsset>();
  const contents = new Map<string, Buffer>();
  let count = 0;

  function create(contentType: string | undefined, body: Buffer): FileAsset | Reply {
    const boundary = boundaryOf(contentType);
    if (boundary === undefined) return errorReply('unsupported_media_type');
    if (body.length === 0) return errorReply('missing_request_body');
    const parts = partsOf(body, boundary);
    if (typeof parts === 'string') return errorReply('binding_error', { reason: parts });
    const stranger = parts.find(({ name }) => name !== names.metadata && name !== names.file);
    if (stranger) return errorReply('binding_error', { reason: `unknown part ${stranger.name}` });
    const [file, ...more] = parts.filter(({ name }) => name === names.file);
    if (file?.filename === undefined) return errorReply('file_asset_input_file_missing');
    if (more.length > 0) return errorReply('binding_error', { reason: `part ${names.file} occurs more than once` });
    const metadata = readMetadata(parts, names.metadata);
    if ('status' in metadata) return metadata;
    const name = metadata.name ?? file.filename;
    if (!allowed.test(name)) return errorReply('file_asset_invalid_name');
    const encrypted = encryption(file.body);
    if (encrypted) return encrypted;
    const format = metadata.format ?? formatOf(name) ?? formatOf(file.filename);
    if (file.body.length === 0 || format === undefined) return errorReply('file_asset_file_processing_error');
    for (const known of assets.values()) {
      if (known.name === name) return errorReply('file_asset_duplicated_name', { name });
    }
    count += 1;
    const now = new Date(io.now()).toISOString();
    const asset: FileAsset = {
      id: `74653${1_000_000 + count}`,
      name,
      status: 'AVAILABLE',
      review_status: review,
      tags: metadata.tags,
      format,
      created_date: now,
      updated_date: now,
      user_id: '7465300000000000001',
      size: file.body.length,
    };
    assets.set(asset.id, asset);
    contents.set(asset.id, Buffer.from(file.body));
    return asset;
  }

  function withAsset(id: string, then: (asset: FileAsset) => Reply): Reply {
    const asset = assets.get(id);
    return asset ? then(asset) : errorReply('file_asset_not_found', { file_asset_id: id });
  }

  return {
    create(contentType, body) {
      const made = create(contentType, body);
      return 'id' in made ? { reply: ok(made), id: made.id } : { reply: made, id: '' };
    },
    list(query) {
      const wanted = (asset: FileAsset): boolean =>
        asset.name.toLowerCase().includes((query.get('name') ?? '').toLowerCase()) &&
        (!query.has('statuses') || query.getAll('statuses').includes(asset.status)) &&
        query.getAll('tags').every((tag) => asset.tags.includes(tag));
      return listed([...assets.values()].reverse().filter(wanted), query);
    },
    get: (id) => withAsset(id, ok),
    download: (id, query) =>
      withAsset(id, (asset) => {
        if (asset.status === 'EXPIRED') return errorReply('file_asset_expired');
        const bytes = contents.get(id) ?? Buffer.alloc(0);
        const part = rowsOf(bytes, query);
        return part instanceof Uint8Array ? { status: 200, body: part, type: TYPES[asset.format] } : part;
      }),
    expire: (id) =>
      withAsset(id, (asset) => {
        asset.status = 'EXPIRED';
        asset.updated_date = new Date(io.now()).toISOString();
        contents.delete(id);
        return ok(asset);
      }),
    remove: (id) =>
      withAsset(id, (asset) => {
        assets.delete(id);
        contents.delete(id);
        return ok(asset);
      }),
    open(id) {
      const asset = assets.get(id);
      if (!asset) return errorReply('file_asset_not_found', { file_asset_id: id });
      const bytes = contents.get(id);
      if (!bytes) return errorReply('file_asset_expired');
      try {
        return { asset, text: decodeFile(bytes) };
      } catch (error) {
        if (error instanceof UnreadableFile) return errorReply('file_asset_file_processing_error');
        throw error;
      }
    },
  };
}

interface Metadata {
  name: string | undefined;
  tags: string[];
  format: RowFormat | undefined;
}

function readMetadata(parts: readonly Part[], partName: string): Metadata | Reply {
  const [part, ...more] = parts.filter(({ name }) => name === partName);
  if (!part || more.length > 0) return errorReply('binding_error', { reason: `part ${partName} must be there once` });
  if (!/^application\/json\s*(;|$)/.test(part.type)) return errorReply('unsupported_media_type', { part: partName });
  const value = parsed(part.body.toString('utf8'));
  if (value === undefined) return errorReply('invalid_json');
  if (!isObject(value)) return errorReply('binding_error', { reason: `part ${partName} is not an object` });
  const stranger = Object.keys(value).find((field) => !['name', 'tags', 'format'].includes(field));
  if (stranger !== undefined) return errorReply('binding_error', { reason: `unknown field ${stranger}` });
  const { name, tags = [], format } = value;
  if (name !== undefined && typeof name !== 'string') return errorReply('file_asset_invalid_name');
  if (!Array.isArray(tags)) return errorReply('file_asset_invalid_tags');
  const labels = tags.filter((tag) => typeof tag === 'string' && tag.length > 0 && tag.length <= 255);
  if (labels.length < tags.length || new Set(labels).size < tags.length) return errorReply('file_asset_invalid_tags');
  const known = FORMATS.find((one) => one === format);
  if (format !== undefined && known === undefined) {
    return errorReply('binding_error', {
      reason: `format is none of ${FORMATS.join(', ')} (the stand-in reads no XLSX)`,
    });
  }
  return { name, tags: labels.map(String), format: known };
}

function formatOf(name: string): RowFormat | undefined {
  const extension = name.slice(name.lastIndexOf('.') + 1).toUpperCase();
  return FORMATS.find((format) => format === extension);
}

/** Encrypted files need a key at Extole, and the stand-in has none. */
function encryption(bytes: Buffer): Reply | undefined {
  if (bytes.subarray(0, 27).toString('latin1') === '-----BEGIN PGP MESSAGE-----') {
    return errorReply('missing_extole_public_key');
  }
  // A packet header of new or old format; no text in UTF-8 starts with one.
  const first = bytes[0] ?? 0;
  return first >= 0x84 && first <= 0x8f ? errorReply('decryption_error') : undefined;
}

/** Lines `offset` to `offset + limit`, the header not counted; the whole file where neither is given. */
function rowsOf(bytes: Buffer, query: URLSearchParams): Uint8Array | Reply {
  const limit = query.get('limit');
  const offset = query.get('offset') ?? '0';
  if (limit !== null && !/^\d{1,9}$/.test(limit)) return errorReply('invalid_limit');
  if (!/^\d{1,9}$/.test(offset)) return errorReply('invalid_offset');
  if (limit !== null && Number(limit) > 1000) return errorReply('max_fetch_size_1000');
  if (limit === null && offset === '0') return bytes;
  const [header = '', ...lines] = bytes.toString('utf8').split(/(?<=\n)/);
  const from = Number(offset);
  return Buffer.from(header + lines.slice(from, limit === null ? undefined : from + Number(limit)).join(''));
}
