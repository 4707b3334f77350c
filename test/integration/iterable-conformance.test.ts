import { examples } from '../../src/destinations/iterable/examples.ts';
import { createIterable } from '../../src/destinations/iterable/iterable.ts';
import { iterableSettings, urlOf } from '../../src/destinations/iterable/settings.ts';
import { testProfileExamples } from './support/profile-examples.ts';

testProfileExamples(examples, (settings, at, io) => {
  const parsed = iterableSettings.parse(settings);
  return createIterable({ ...parsed, url: at(urlOf(parsed)) }, io);
});
