import ssh2, { type AnyAuthMethod, type AuthenticationType, type NextAuthHandler } from 'ssh2';
import { TransferError } from '../model.ts';
import type { RemoteSettings } from './settings.ts';

/** The login of one connection: what we offer, in order, and what the server said it takes. */
export interface Login {
  /** As ssh2's `authHandler`; false: nothing is left to offer. */
  next(methodsLeft: AuthenticationType[] | null, partial: boolean | null, done: NextAuthHandler): false | undefined;
  /** For the error: what was offered and what the server takes. */
  told(): { offered: string[]; accepted: string[] };
}

/** Reads the key before any connection is made, so that a wrong passphrase is not taken for a refusal. */
export function readPrivateKey(settings: RemoteSettings): void {
  if (settings.privateKey === undefined) return;
  const parsed = ssh2.utils.parseKey(settings.privateKey, settings.passphrase);
  if (parsed instanceof Error) {
    const wrongPassphrase = /passphrase|decrypt|integrity|bad/i.test(parsed.message);
    throw new TransferError('PRIVATE_KEY_UNREADABLE', `the private key cannot be read: ${parsed.message}`, {
      hint: wrongPassphrase
        ? 'check passphrase: it must be the one of this key'
        : 'give a PEM or OpenSSH private key; a PuTTY key is converted with `puttygen key.ppk -O private-openssh`',
    });
  }
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key?.isPrivateKey() !== true) {
    throw new TransferError('PRIVATE_KEY_UNREADABLE', 'privateKey holds a public key', {
      hint: 'give the private half, the file without .pub',
    });
  }
}

/**
 * Asks first which methods the server takes (`none` offers nothing), then offers those that the settings have, a key
 * before a password. Each is offered once: repeating a refused one locks accounts.
 */
export function createLogin(username: string, settings: RemoteSettings): Login {
  const ready = offers(username, settings);
  const offered: string[] = [];
  let accepted: string[] = [];
  let asked = false;
  return {
    next(methodsLeft, partial, done) {
      if (!asked) {
        asked = true;
        done({ type: 'none', username });
        return undefined;
      }
      if (methodsLeft !== null && methodsLeft.length > 0) accepted = methodsLeft;
      // A password that was refused is not offered as an answer too: servers count it twice.
      const spent = (type: string): boolean =>
        type === 'keyboard-interactive' &&
        partial !== true &&
        offered.includes('password') &&
        settings.keyboardInteractive === undefined;
      const at = ready.findIndex(({ type }) => !spent(type) && (accepted.length === 0 || accepted.includes(type)));
      const [offer] = at < 0 ? [] : ready.splice(at, 1);
      if (offer === undefined) return false;
      offered.push(offer.type);
      done(offer);
      return undefined;
    },
    told: () => ({ offered, accepted }),
  };
}

function offers(username: string, settings: RemoteSettings): AnyAuthMethod[] {
  const { password, privateKey, passphrase, keyboardInteractive } = settings;
  const list: AnyAuthMethod[] = [];
  if (privateKey !== undefined) {
    list.push({ type: 'publickey', username, key: privateKey, ...(passphrase === undefined ? {} : { passphrase }) });
  }
  if (password !== undefined) list.push({ type: 'password', username, password });
  const answers = Array.isArray(keyboardInteractive) ? [...keyboardInteractive] : undefined;
  // Many servers ask for the password this way only, so it is also the answer where nothing else was said.
  if (keyboardInteractive !== false && (answers !== undefined || password !== undefined)) {
    list.push({
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        finish(prompts.map(() => (answers === undefined ? (password ?? '') : (answers.shift() ?? ''))));
      },
    });
  }
  return list;
}
