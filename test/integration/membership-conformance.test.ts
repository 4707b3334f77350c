import { describe } from 'vitest';
import { examples as braze } from '../../src/destinations/braze/cohorts/examples.ts';
import { createBrazeMembership } from '../../src/destinations/braze/cohorts/open.ts';
import { brazeMembershipSettings } from '../../src/destinations/braze/cohorts/settings.ts';
import { createAudience } from '../../src/destinations/extole/audiences/audiences.ts';
import { examples as extole } from '../../src/destinations/extole/audiences/examples.ts';
import { audienceApiSettings } from '../../src/destinations/extole/audiences/settings.ts';
import { examples as hubspot } from '../../src/destinations/hubspot/lists/examples.ts';
import { createHubspotList } from '../../src/destinations/hubspot/lists/lists.ts';
import { hubspotListSettings } from '../../src/destinations/hubspot/lists/settings.ts';
import { examples as iterable } from '../../src/destinations/iterable/lists/examples.ts';
import { createIterableList } from '../../src/destinations/iterable/lists/lists.ts';
import { iterableListSettings } from '../../src/destinations/iterable/lists/settings.ts';
import { examples as klaviyo } from '../../src/destinations/klaviyo/lists/examples.ts';
import { createKlaviyoList } from '../../src/destinations/klaviyo/lists/lists.ts';
import { klaviyoListSettings } from '../../src/destinations/klaviyo/lists/settings.ts';
import { testMembershipExamples } from './support/membership-examples.ts';

describe('Braze cohorts', () => {
  testMembershipExamples(braze, (settings, at, io) => {
    const parsed = brazeMembershipSettings.parse(settings);
    return createBrazeMembership({ ...parsed, url: at(parsed.url) }, io);
  });
});

describe('Extole audiences', () => {
  testMembershipExamples(extole, (settings, at, io) => {
    const parsed = audienceApiSettings.parse(settings);
    return createAudience({ ...parsed, apiUrl: at(parsed.apiUrl) }, io);
  });
});

describe('HubSpot lists', () => {
  testMembershipExamples(hubspot, (settings, at, io) => {
    const parsed = hubspotListSettings.parse(settings);
    return createHubspotList({ ...parsed, url: at(parsed.url) }, io);
  });
});

describe('Klaviyo lists', () => {
  testMembershipExamples(klaviyo, (settings, at, io) => {
    const parsed = klaviyoListSettings.parse(settings);
    return createKlaviyoList({ ...parsed, url: at(parsed.url) }, io);
  });
});

describe('Iterable lists', () => {
  testMembershipExamples(iterable, (settings, at, io) => {
    const parsed = iterableListSettings.parse(settings);
    return createIterableList({ ...parsed, url: at('https://api.iterable.com') }, io);
  });
});
