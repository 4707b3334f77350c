import type { Remote } from '../../model.ts';
import { openRemote } from '../../remotes/open.ts';
import type { FolderContext } from './audience-folders.ts';

/** One connection for all who need it: opened when the first of them asks, and again where that failed. Closed with the last of them. */
export interface SharedRemote extends AsyncDisposable {
  remote(): Promise<Remote>;
}

export function shareRemote(
  settings: Parameters<typeof openRemote>[0],
  { io, signal, logins }: Omit<FolderContext, 'staging' | 'remote'>,
): SharedRemote {
  let opened: Promise<Remote> | undefined;
  return {
    remote: () => {
      opened ??= openRemote(settings, io, signal, logins).catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    async [Symbol.asyncDispose]() {
      const connected = await opened?.catch(() => undefined);
      await connected?.[Symbol.asyncDispose]();
    },
  };
}
