import { examples } from '../../src/destinations/hubspot/examples.ts';
import { createHubspot } from '../../src/destinations/hubspot/hubspot.ts';
import { hubspotSettings } from '../../src/destinations/hubspot/settings.ts';
import { testProfileExamples } from './support/profile-examples.ts';

testProfileExamples(examples, (settings, at, io) => {
  const parsed = hubspotSettings.parse(settings);
  return createHubspot({ ...parsed, url: at(parsed.url) }, io);
});
