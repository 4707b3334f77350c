/** `node test/crash/checks/main.ts [--tree PATH] [NAME...]`: asks the product each question of this folder, or those named. Exit 1 where one does not hold. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServers } from '../servers/open.ts';
import { type Check, playCheck } from './check.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({
  options: { tree: { type: 'string', default: fileURLToPath(new URL('../../..', import.meta.url)) } },
  allowPositionals: true,
});
const all = readdirSync(here)
  .filter((name) => name.endsWith('.ts') && name !== 'check.ts' && name !== 'main.ts')
  .map((name) => name.slice(0, -3));
const names = positionals.length > 0 ? positionals : all;

const servers = startServers();
const violations: string[] = [];
const skipped: string[] = [];
try {
  for (const name of names) {
    const { check }: { check: Check } = await import(`./${name}.ts`);
    const missing = check.missing?.();
    if (missing !== undefined) {
      skipped.push(`${name}: ${missing}`);
      continue;
    }
    const started = performance.now();
    const found = await playCheck(check, values.tree, servers);
    violations.push(...found.map((what) => `${name}: ${what}`));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(
      `${name} (${seconds} s): ${check.title}: ${found.length === 0 ? 'holds' : found.join('; ')}\n`,
    );
  }
} finally {
  await servers.stop();
}
process.stdout.write(`${JSON.stringify({ checks: names.length, skipped, violations })}\n`);
process.exit(violations.length === 0 ? 0 : 1);
