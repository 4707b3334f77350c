import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMessage, encrypt, generateKey, type PrivateKey, type PublicKey } from 'openpgp';

/** A key pair, as files that a job can refer to. */
export interface KeyFiles {
  privateKey: PrivateKey;
  publicKey: PublicKey;
  /** Armored files: the private one locked with the passphrase, where there is one. */
  secret: string;
  public: string;
  id: string;
}

export async function makeKeys(folder: string, name: string, passphrase?: string): Promise<KeyFiles> {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    userIDs: [{ name, email: `${name}@keys.example` }],
    format: 'object',
  });
  const locked =
    passphrase === undefined
      ? privateKey
      : await import('openpgp').then(({ encryptKey }) => encryptKey({ privateKey, passphrase }));
  const secret = join(folder, `${name}.secret.asc`);
  const open = join(folder, `${name}.public.asc`);
  writeFileSync(secret, locked.armor(), { mode: 0o600 });
  writeFileSync(open, publicKey.armor());
  return { privateKey, publicKey, secret, public: open, id: publicKey.getKeyID().toHex().toUpperCase() };
}

export async function encryptTo(
  to: KeyFiles,
  contents: string | Buffer,
  options: { signedBy?: KeyFiles; armored?: boolean } = {},
): Promise<Buffer> {
  const message = await createMessage({ binary: new Uint8Array(Buffer.from(contents)) });
  const encrypted = await encrypt({
    message,
    encryptionKeys: to.publicKey,
    ...(options.signedBy ? { signingKeys: options.signedBy.privateKey } : {}),
    format: 'binary',
  });
  if (!options.armored) return Buffer.from(encrypted);
  const { armor, enums } = await import('openpgp');
  return Buffer.from(armor(enums.armor.message, encrypted));
}

/** GnuPG as the other side, with a home of its own. */
export interface Gpg {
  run(args: readonly string[], input?: Buffer): Buffer;
  close(): void;
}

/** `undefined` where GnuPG is not installed; where everything is required, that is an error. */
export function openGpg(folder: string): Gpg | undefined {
  if (spawnSync('gpg', ['--version']).status !== 0) {
    if (process.env.REFERRY_REQUIRE_ALL === '1') throw new Error('gpg is not installed, and REFERRY_REQUIRE_ALL=1');
    return undefined;
  }
  const home = join(folder, 'gnupg');
  mkdirSync(home, { mode: 0o700 });
  const usual = ['--homedir', home, '--batch', '--quiet', '--trust-model', 'always', '--pinentry-mode', 'loopback'];
  return {
    run: (args, input) =>
      execFileSync('gpg', [...usual, ...args], { stdio: ['pipe', 'pipe', 'pipe'], ...(input ? { input } : {}) }),
    close: () => {
      spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Files below a folder that hold one of the texts, in UTF-8 or UTF-16. */
export function filesWith(folder: string, texts: readonly string[]): string[] {
  const wanted = texts.flatMap((text) => [Buffer.from(text), Buffer.from(text, 'utf16le')]);
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())
    .filter((path) => {
      const bytes = readFileSync(path);
      return wanted.some((text) => bytes.includes(text));
    });
}
