import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Check, playCheck } from './checks/check.ts';
import { type Servers, startServers } from './servers/open.ts';

export interface ChecksOptions {
  /** A checkout: the product under test. */
  tree: string;
  /** Only these; empty: all. */
  only: readonly string[];
  say(line: string): void;
}

export interface ChecksFigures {
  checks: number;
  /** Those that cannot be asked here, and why. */
  skipped: string[];
  violations: string[];
}

export function checkNames(): string[] {
  const names = readdirSync(fileURLToPath(new URL('checks/', import.meta.url))).sort();
  return names.filter((name) => name.endsWith('.ts') && name !== 'check.ts').map((name) => name.slice(0, -3));
}

/** Asks the product each of the questions in `checks`, which leave nothing to chance. */
export async function runChecks(options: ChecksOptions): Promise<ChecksFigures> {
  const names = checkNames();
  const strangers = options.only.filter((name) => !names.includes(name));
  if (strangers.length > 0) throw new Error(`no such check: ${strangers.join(', ')}; there are ${names.join(', ')}`);
  const figures: ChecksFigures = { checks: 0, skipped: [], violations: [] };
  const servers = startServers();
  try {
    for (const name of options.only.length > 0 ? options.only : names) await one(name, servers, options, figures);
  } finally {
    await servers.stop();
  }
  return figures;
}

async function one(
  name: string,
  servers: Servers,
  { tree, say }: ChecksOptions,
  figures: ChecksFigures,
): Promise<void> {
  const { check }: { check: Check } = await import(`./checks/${name}.ts`);
  const missing = check.missing?.();
  if (missing !== undefined) {
    figures.skipped.push(`${name}: ${missing}`);
    say(`${name}: ${check.title}: skipped, ${missing}`);
    return;
  }
  const started = performance.now();
  const found = await playCheck(check, tree, servers);
  figures.checks += 1;
  figures.violations.push(...found.map((what) => `${name}: ${what}`));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`${name} (${seconds} s): ${check.title}: ${found.length === 0 ? 'holds' : found.join('; ')}`);
}
