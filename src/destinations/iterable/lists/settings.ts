import { z } from 'zod';
import { callSettings, quietSetting } from '../../call-settings.ts';
import { iterableSettings } from '../settings.ts';

/** How the members of an Iterable list are kept. Durations are milliseconds once parsed. */
export const iterableListSettings = iterableSettings
  .pick({ account: true, region: true, url: true })
  .extend({
    apiKey: iterableSettings.shape.apiKey,
    listId: z
      .int()
      .min(1)
      .optional()
      .describe(
        "The list, which must be a static one. Absent: the one with the segment's name, made where there is none.",
      ),
    identifyBy: z
      .enum(['email', 'userId'])
      .default('email')
      .describe(
        'What the members of your segments are: email, or userId for a project that identifies users by userId. It must not change after the first sync.',
      ),
    createUsers: z
      .boolean()
      .default(false)
      .describe('Make users for members whom the project does not know. With false, they are rejected.'),
    requestsPerSecond: iterableSettings.shape.requestsPerSecond
      .unwrap()
      .default(5)
      .describe('The limit of changes of lists in a project. Calls are spaced so that it is never reached.'),
    readsPerMinute: z
      .int()
      .min(1)
      .max(10_000)
      .default(5)
      .describe('How often the members of a list may be read in a minute.'),
    membersPerCall: z.int().min(1).max(10_000).default(1000).describe('The most members in one call.'),
    bytesPerCall: iterableSettings.shape.bytesPerCall,
    quiet: quietSetting('60s', 'Iterable'),
    ...callSettings,
  })
  .describe('How the members of an Iterable list are kept.');

export type IterableListSettings = z.output<typeof iterableListSettings>;
