import { remoteSettings } from '../../src/remotes/settings.ts';
import { sshdMissing, startSshd } from './support/remotes-sshd.ts';
import { describeRemote } from './support/remotes-suite.ts';

const missing = sshdMissing();
const title = missing === undefined ? 'OpenSSH' : `OpenSSH (skipped: ${missing})`;

describeRemote(
  title,
  async () => {
    const sshd = await startSshd();
    if (sshd === undefined) throw new Error('sshd did not start');
    const { user, port, root, privateKey, hostKeyFingerprint } = sshd;
    return {
      settings: remoteSettings.parse({
        url: `sftp://${user}@127.0.0.1:${port}${root}`,
        privateKey,
        hostKey: hostKeyFingerprint,
      }),
      disk: root,
      close: () => sshd.close(),
    };
  },
  missing !== undefined,
);
