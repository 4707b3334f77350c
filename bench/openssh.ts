import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { sshdMissing, startSshd } from '../test/integration/support/remotes-sshd.ts';

const SFTP = '/usr/bin/sftp';

export function hasOpenSsh(): boolean {
  return sshdMissing() === undefined && existsSync(SFTP);
}

/** OpenSSH's server, and its own client's time for one file. */
export async function startOpenSsh(root: string) {
  const sshd = await startSshd(root);
  if (!sshd) throw new Error('sshd did not start');
  return {
    url: `sftp://${sshd.user}@127.0.0.1:${sshd.port}${root}`,
    hostKey: sshd.hostKeyFingerprint,
    keyPath: sshd.privateKeyPath,
    sftpGet: async (name: string, target: string): Promise<{ ms: number }> => {
      const started = performance.now();
      const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
      const flags = options.flatMap((option) => ['-o', option]);
      const from = `${sshd.user}@127.0.0.1:${root}/${name}`;
      await promisify(execFile)(SFTP, [
        '-q',
        '-P',
        String(sshd.port),
        '-i',
        sshd.privateKeyPath,
        ...flags,
        from,
        target,
      ]);
      return { ms: performance.now() - started };
    },
    [Symbol.asyncDispose]: () => sshd.close(),
  };
}
