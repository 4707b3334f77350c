import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const project = fileURLToPath(new URL('../../', import.meta.url));

const REFUSED = [
  "await client.get('x');",
  "await this.sftp.put('x', 'y');",
  "await sftpClient.append(bytes, 'x');",
  "await sftp.exists('x');",
  "await client.list('x');",
  "await anything.fastGet('x', 'y');",
  "await anything.fastPut('x', 'y');",
  "await anything.uploadDir('x', 'y');",
  "await anything.downloadDir('x', 'y');",
  'connect({ hostVerifier: async () => false });',
  'connect({ async hostVerifier() { return false; } });',
];

const FINE = [
  "new Map().get('x');",
  "cache.get('x');",
  "response.headers.get('x');",
  "remote.list('x', signal);",
  "remote.publish('x', local);",
  'connect({ hostVerifier: () => false });',
];

it('N07: the linter refuses the SFTP calls that lose data, and no others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'referry-lint-'));
  try {
    const rules = { recommended: false };
    const plugins = [join(project, 'lint', 'sftp-calls.grit')];
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ root: true, plugins, linter: { rules } }));
    writeFileSync(join(folder, 'calls.ts'), [...REFUSED, ...FINE, ''].join('\n'));
    const biome = join(project, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const args = [biome, 'lint', `--config-path=${folder}`, '--max-diagnostics=100', join(folder, 'calls.ts')];
    const said = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch((error) => error);
    const lines = [...`${said.stdout}${said.stderr}`.matchAll(/calls\.ts:(\d+):\d+ plugin/g)].map((match) =>
      Number(match[1]),
    );
    expect([...new Set(lines)].sort((a, b) => a - b)).toEqual(REFUSED.map((_, index) => index + 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
