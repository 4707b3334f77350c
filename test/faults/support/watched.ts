import { createServer, type IncomingMessage } from 'node:http';

export interface Watched {
  url: string;
  /** When a request came, and how many were on the wire then, itself included. */
  seen: { at: number; together: number; body: string }[];
  close(): Promise<void>;
}

/** Stands before the stand-in, and looks at when requests come and how many at once. */
export async function watch(target: string): Promise<Watched> {
  const seen: Watched['seen'] = [];
  let together = 0;
  const server = createServer((req: IncomingMessage, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      together++;
      const body = Buffer.concat(chunks).toString();
      seen.push({ at: performance.now(), together, body });
      const headers = { authorization: req.headers.authorization ?? '', 'content-type': 'application/json' };
      const id = req.headers['x-request-id'];
      const init = { method: 'POST', headers: { ...headers, 'x-request-id': String(id) }, body };
      void fetch(`${target}${req.url}`, init).then(async (answer) => {
        const text = await answer.text();
        together--;
        const after = answer.headers.get('retry-after');
        res.writeHead(answer.status, {
          'content-type': 'application/json',
          ...(after ? { 'retry-after': after } : {}),
        });
        res.end(text);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
