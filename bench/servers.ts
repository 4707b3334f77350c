import { createServer } from 'node:http';
import { startSftpServer } from '../src/sandbox/sftp/server.ts';

/**
 * The bare servers, in a process of their own: an HTTP server that reads a body and answers 200 with an id, and the SFTP server
 * of the sandbox. Prints one JSON line when ready; ends with standard input.
 */
const root = process.argv[2] ?? '.';
let id = 7_000_000_000_000_000_000n;
let requests = 0;

const http = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(String(requests));
    return;
  }
  request.on('data', () => {});
  request.on('end', () => {
    requests++;
    id++;
    const body = `{"event_id":"${id}"}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
});
http.keepAliveTimeout = 60_000;
http.listen(0, '127.0.0.1', async () => {
  const sftp = await startSftpServer({ root, users: [{ name: 'bench', password: 'bench' }] });
  const address = http.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ http: port, sftp: sftp.port, hostKey: sftp.hostKeyFingerprint })}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
