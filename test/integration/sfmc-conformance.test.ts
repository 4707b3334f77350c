import { examples } from '../../src/destinations/sfmc/examples.ts';
import { sfmcSettings } from '../../src/destinations/sfmc/settings.ts';
import { createSfmc } from '../../src/destinations/sfmc/sfmc.ts';
import { testProfileExamples } from './support/profile-examples.ts';

testProfileExamples(examples, (settings, at, io) => {
  const parsed = sfmcSettings.parse(settings);
  const authUrl = at(`https://${parsed.subdomain}.auth.marketingcloudapis.com`);
  return createSfmc({ ...parsed, authUrl, restUrl: at(parsed.restUrl ?? '') }, io);
});
