import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Check, playCheck } from './checks/check.ts';
import { ROOT } from './mutants/tree.ts';
import { checkNames } from './run-checks.ts';
import { type Servers, startServers } from './servers/open.ts';

const checks = await Promise.all(
  checkNames().map(async (name): Promise<Check> => {
    const { check }: { check: Check } = await import(`./checks/${name}.ts`);
    return check;
  }),
);

describe('what the crash harness asks without leaving anything to chance', { timeout: 240_000 }, () => {
  let servers: Servers;
  beforeAll(() => {
    servers = startServers();
  });
  afterAll(() => servers.stop());

  for (const check of checks) {
    const missing = process.env.REFERRY_REQUIRE_ALL === '1' ? undefined : check.missing?.();
    it.skipIf(missing !== undefined)(
      `${check.title}${missing === undefined ? '' : `: skipped, ${missing}`}`,
      async () => {
        expect(await playCheck(check, ROOT, servers)).toEqual([]);
      },
    );
  }
});
