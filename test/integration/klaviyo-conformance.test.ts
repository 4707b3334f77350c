import { examples } from '../../src/destinations/klaviyo/examples.ts';
import { createKlaviyo } from '../../src/destinations/klaviyo/klaviyo.ts';
import { klaviyoSettings } from '../../src/destinations/klaviyo/settings.ts';
import { testProfileExamples } from './support/profile-examples.ts';

testProfileExamples(examples, (settings, at, io) => {
  const parsed = klaviyoSettings.parse(settings);
  return createKlaviyo({ ...parsed, url: at(parsed.url) }, io);
});
