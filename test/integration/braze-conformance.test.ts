import { createBraze } from '../../src/destinations/braze/braze.ts';
import { examples } from '../../src/destinations/braze/examples.ts';
import { brazeSettings } from '../../src/destinations/braze/settings.ts';
import { testProfileExamples } from './support/profile-examples.ts';

testProfileExamples(examples, (settings, at, io) => {
  const parsed = brazeSettings.parse(settings);
  return createBraze({ ...parsed, url: at(parsed.url) }, io);
});
