import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Remote, RemoteFile } from '../../../src/model.ts';
import { noSignal, type Sandbox, startSandbox, temporaryFolder } from './remotes-world.ts';

/** A file in the inbox, the only one. */
export async function listed(remote: Remote): Promise<RemoteFile> {
  const [file] = (await remote.list('inbox', noSignal)).files;
  if (file === undefined) throw new Error('nothing listed');
  return file;
}

/** A sandbox for tests that damage it: each begins with empty folders, and none may leave an error that nobody caught. */
export interface Workshop {
  /** From `beforeAll` on. */
  readonly sandbox: Sandbox;
  scratch: string;
  on(...parts: string[]): string;
}

export function openWorkshop(): Workshop {
  const scratch = temporaryFolder();
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown) => uncaught.push(error);
  let sandbox: Sandbox | undefined;
  const opened = (): Sandbox => sandbox ?? expect.fail('the sandbox is not open');
  const on = (...parts: string[]): string => join(opened().disk, ...parts);
  beforeAll(async () => {
    process.on('uncaughtException', onUncaught);
    sandbox = await startSandbox();
  });
  beforeEach(() => {
    opened().server.clearQuirks();
    for (const name of readdirSync(opened().disk)) rmSync(on(name), { recursive: true, force: true });
    for (const folder of ['inbox', 'done', 'results']) mkdirSync(on(folder));
  });
  afterEach(() => expect(uncaught).toEqual([]));
  afterAll(async () => {
    process.off('uncaughtException', onUncaught);
    await opened().close();
    scratch.remove();
  });
  return {
    get sandbox() {
      return opened();
    },
    scratch: scratch.path,
    on,
  };
}
