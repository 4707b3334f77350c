import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Waits until the requests that were made are on their connections. The HTTP client looks at a connection that it has used before
 * in the next turn of the event loop, and writes to it then; what keeps the process until there keeps the request, too.
 */
export async function requestsWritten(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
