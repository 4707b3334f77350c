import { createInterface } from 'node:readline';

/** A command as it comes in: one JSON object a line on standard input; `id` is repeated in the answer. */
export interface Command {
  id: number;
  do: string;
  [field: string]: unknown;
}

/** What goes out, one JSON object a line on standard output: an answer, or something that happened. */
export type Line =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; error: string }
  | { event: 'request'; world: string; seq: number };

export function tell(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * Answers commands in the order they come until standard input ends. It ends with the harness, however that dies, so that no server is
 * left behind.
 */
export async function serveCommands(handle: (command: Command) => Promise<unknown> | unknown): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    const command: Command = JSON.parse(line);
    try {
      tell({ id: command.id, ok: true, value: (await handle(command)) ?? null });
    } catch (error) {
      tell({ id: command.id, ok: false, error: error instanceof Error ? (error.stack ?? error.message) : `${error}` });
    }
  }
  process.exit(0);
}
