import { createSecretKey } from 'node:crypto';
import type SftpClient from 'ssh2-sftp-client';

/**
 * ssh2 hands its AES-GCM key to Node.js as bytes, for each packet anew. Node.js 24 makes a key object of them each time,
 * which costs more than deciphering the packet: half of the time of a download. Here the key object is made once. Where ssh2 should
 * look different one day nothing is found, and transfers are only slower.
 */
export function prepareCipherKeys(client: SftpClient): void {
  const protocol = fieldOf(fieldOf(client, 'client'), '_protocol');
  prepare(fieldOf(protocol, '_decipher'), '_decipherSSLName', '_decipherKey');
  prepare(fieldOf(protocol, '_cipher'), '_encSSLName', '_encKey');
}

function prepare(cipher: unknown, nameField: string, keyField: string): void {
  const [name, key] = [fieldOf(cipher, nameField), fieldOf(cipher, keyField)];
  if (typeof name !== 'string' || !/^(?:id-)?aes-?\d+-gcm$/i.test(name)) return;
  if (typeof cipher === 'object' && cipher !== null && Buffer.isBuffer(key)) {
    Reflect.set(cipher, keyField, createSecretKey(key));
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
