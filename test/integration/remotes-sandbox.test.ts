import { describeRemote } from './support/remotes-suite.ts';
import { startSandbox } from './support/remotes-world.ts';

describeRemote("the sandbox's SFTP server", () => startSandbox());

describeRemote('a server that offers no extension and no setstat', () =>
  startSandbox({ quirks: { noSetstat: true, noFsync: true, noLimits: true, emptyLongnames: true, shortReads: 9_999 } }),
);
