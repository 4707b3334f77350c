import { pathToFileURL } from 'node:url';
import { remoteSettings } from '../../src/remotes/settings.ts';
import { describeRemote } from './support/remotes-suite.ts';
import { temporaryFolder } from './support/remotes-world.ts';

describeRemote('a local folder', async () => {
  const folder = temporaryFolder();
  return {
    settings: remoteSettings.parse({ url: pathToFileURL(folder.path).href }),
    disk: folder.path,
    close: async () => folder.remove(),
  };
});
