import type { Socket } from 'node:net';

/** A server may greet with some lines before it introduces itself; one that says more says something else. */
const MOST_BYTES = 32 * 1024;
const INTRODUCTION = /(?:^|\n)SSH-[^\n]*\n/;

/**
 * Hands what a server says first to the reader of a socket in one piece: up to and with the line `SSH-2.0-...`. ssh2 1.17 forgets
 * the middle of it where it comes in more than two pieces (parseHeader in its lib/protocol/Protocol.js), and then waits in vain. After
 * that line nothing stands between the socket and its reader.
 */
export function gatherIntroduction(socket: Socket): void {
  const push = socket.push.bind(socket);
  let held = Buffer.alloc(0);
  const release = (): void => {
    Reflect.deleteProperty(socket, 'push');
    if (held.length > 0) push(held);
  };
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!Buffer.isBuffer(chunk)) {
      release();
      return push(chunk, encoding);
    }
    held = Buffer.concat([held, chunk]);
    if (held.length >= MOST_BYTES || INTRODUCTION.test(held.toString('latin1'))) release();
    return true;
  };
}
