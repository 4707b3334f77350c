import type { Batches } from './batches.ts';
import { errorReply, type Reply } from './errors.ts';
import type { FileAssets } from './files.ts';
import type { Route } from './routes.ts';

/** A request to `/v6/files` or `/v6/batches`. */
export type FileRoute = Extract<Route, { kind: 'files' | 'batches' }>;

export interface FileRequest {
  contentType: string | undefined;
  isJson: boolean;
  bytes: Buffer;
}

/** Whether the request makes a file or a batch. */
export function makesSomething({ method, id }: FileRoute): boolean {
  return method === 'POST' && id === '';
}

/** Answers; `id` is that of a file or batch that was made, else empty. */
export function answerFiles(
  route: FileRoute,
  request: FileRequest,
  files: FileAssets,
  batches: Batches,
): { reply: Reply; id: string } {
  if (makesSomething(route)) {
    if (route.kind === 'files') return files.create(request.contentType, request.bytes);
    if (!request.isJson) return { reply: errorReply('unsupported_media_type'), id: '' };
    return batches.create(request.bytes.toString('utf8'));
  }
  return { reply: route.kind === 'files' ? onFile(route, files) : onBatch(route, batches), id: '' };
}

function onFile({ method, id, action, query }: FileRoute, files: FileAssets): Reply {
  if (id === '') return method === 'GET' ? files.list(query) : errorReply('method_not_allowed');
  switch (`${method} ${action}`) {
    case 'GET ':
      return files.get(id);
    case 'GET download':
      return files.download(id, query);
    case 'POST expire':
      return files.expire(id);
    case 'DELETE ':
      return files.remove(id);
    default:
      return errorReply(action === '' ? 'method_not_allowed' : 'not_found');
  }
}

function onBatch({ method, id, action, query }: FileRoute, batches: Batches): Reply {
  if (id === '') return method === 'GET' ? batches.list(query) : errorReply('method_not_allowed');
  switch (`${method} ${action}`) {
    case 'GET ':
      return batches.get(id);
    case 'POST cancel':
      return batches.cancel(id);
    case 'POST expire':
      return batches.expire(id);
    case 'DELETE ':
      return batches.remove(id);
    default:
      return errorReply(action === '' ? 'method_not_allowed' : 'not_found');
  }
}
