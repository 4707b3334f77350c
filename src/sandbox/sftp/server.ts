import { createHash, createSecretKey, timingSafeEqual } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { dirname } from 'node:path';
import ssh2, { type Algorithms, type AuthContext, type Connection, type ParsedKey, type Session } from 'ssh2';
import { createJail } from './jail.ts';
import { NO_QUIRKS, type Quirks } from './quirks.ts';
import { createRequests } from './requests.ts';
import { createPacketReader } from './wire.ts';

export interface SftpUser {
  name: string;
  password?: string;
  /** Lines as in authorized_keys. */
  publicKeys?: readonly string[];
  /** The answer to each question, in order. */
  keyboardInteractive?: readonly { question: string; answer: string }[];
}

export interface SftpServerOptions {
  /** The folder that is served; its subfolders must exist. */
  root: string;
  users: readonly SftpUser[];
  host?: string;
  /** 0: any free one. */
  port?: number;
  /** Where the host key is kept, so that a restarted server is still the same one; generated where absent. */
  hostKeyPath?: string;
  /** Host keys as text, instead of one of our own. */
  hostKeys?: readonly string[];
  /** What it agrees to, for servers that are outdated. */
  algorithms?: Algorithms;
  quirks?: Partial<Quirks>;
}

export interface SftpServer {
  readonly host: string;
  readonly port: number;
  readonly root: string;
  /** `SHA256:...` of the first host key. */
  readonly hostKeyFingerprint: string;
  /** The first host key as in known_hosts: type and base64. */
  readonly hostKey: string;
  /** Switch while it runs. What is announced at the start of a session holds for that session. */
  readonly quirks: Quirks;
  clearQuirks(): void;
  /**
   * What clients did: connections made, and ways of login with which a credential was offered. `cutAt`: after how many bytes of a file
   * `disconnectAtByte` met them.
   */
  readonly seen: { connections: number; sessions: number; offered: string[]; cutAt: number[] };
  /** Resets every connection. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** An SFTP server for a folder on disk: for the demo, for tests, for partners to try a file against. */
export async function startSftpServer(options: SftpServerOptions): Promise<SftpServer> {
  const hostKeys = options.hostKeys ?? [hostKeyOf(options.hostKeyPath)];
  const jail = createJail(options.root);
  const quirks: Quirks = { ...NO_QUIRKS, ...options.quirks };
  const seen: SftpServer['seen'] = { connections: 0, sessions: 0, offered: [], cutAt: [] };
  const sockets = new Set<Socket>();
  let openSessions = 0;
  const users = options.users.map((user) => ({ user, keys: (user.publicKeys ?? []).map(readPublicKey) }));
  const server = new ssh2.Server({
    hostKeys: [...hostKeys],
    ident: 'referry-sandbox',
    ...(options.algorithms === undefined ? {} : { algorithms: options.algorithms }),
  });

  function serve(connection: Connection, socket: Socket): void {
    // A client that goes away in the middle is normal here.
    connection.on('error', () => {});
    connection.on('authentication', (context) => {
      if (context.method !== 'none') seen.offered.push(context.method);
      if (quirks.disconnectOnAuth !== false && context.method !== 'none') hangUp(connection, socket, quirks);
      else if (quirks.refuseAuth) context.reject();
      else authenticate(context, users);
    });
    connection.on('session', (accept, reject) => {
      if (quirks.maxSessions !== undefined && openSessions >= quirks.maxSessions) reject();
      else serveSession(accept(), connection, socket);
    });
  }

  function serveSession(session: Session, connection: Connection, socket: Socket): void {
    openSessions++;
    seen.sessions++;
    socket.once('close', () => {
      openSessions--;
    });
    session.on('subsystem', (accept, reject, info) => {
      if (info.name !== 'sftp') {
        reject();
        return;
      }
      const channel = accept();
      const requests = createRequests({
        jail,
        quirks,
        send: (packet) => {
          channel.write(packet);
        },
        reset: (moved) => {
          if (moved !== undefined) seen.cutAt.push(moved);
          socket.resetAndDestroy();
        },
      });
      const takeChunk = createPacketReader(requests.onPacket);
      channel.on('data', (chunk: Buffer) => {
        prepareCipherKeys(connection);
        // ssh2 writes each packet in four pieces: they leave together.
        socket.cork();
        if (!takeChunk(chunk)) socket.destroy();
        socket.uncork();
      });
      channel.on('end', () => {
        channel.exit(0);
        channel.end();
      });
      channel.on('error', () => {});
      socket.once('close', requests.close);
    });
  }

  // Told once the client has introduced itself: with slow ones, in another order than they came.
  server.on('connection', (connection) => {
    const socket: unknown = Reflect.get(connection, '_sock');
    if (socket instanceof Socket) serve(connection, socket);
  });
  const listener = createServer((socket) => {
    // Without it each small answer waits for the acknowledgement of the one before.
    socket.setNoDelay(true);
    sockets.add(socket);
    seen.connections++;
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(options.port ?? 0, host, () => resolve());
  });
  const address = listener.address();
  const publicKey = publicPartOf(hostKeys[0] ?? '');

  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    root: options.root,
    hostKeyFingerprint: `SHA256:${createHash('sha256').update(publicKey.blob).digest('base64').replace(/=+$/, '')}`,
    hostKey: `${publicKey.type} ${publicKey.blob.toString('base64')}`,
    quirks,
    clearQuirks: () => Object.assign(quirks, NO_QUIRKS),
    seen,
    dropConnections() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * ssh2 hands its AES-GCM key to Node.js as bytes for each packet, and Node.js 24 makes a key object of them each time, which
 * costs more than the cipher. Here that is done once. Where ssh2 looks different, nothing happens.
 */
function prepareCipherKeys(connection: Connection): void {
  const protocol: unknown = Reflect.get(connection, '_protocol');
  if (typeof protocol !== 'object' || protocol === null) return;
  for (const [way, field] of [
    ['_cipher', '_encKey'],
    ['_decipher', '_decipherKey'],
  ] as const) {
    const cipher: unknown = Reflect.get(protocol, way);
    if (typeof cipher !== 'object' || cipher === null) continue;
    const key: unknown = Reflect.get(cipher, field);
    if (Buffer.isBuffer(key)) Reflect.set(cipher, field, createSecretKey(key));
  }
}

/** RFC 4253: SSH_MSG_DISCONNECT, with the reason that OpenSSH gives for too many failed logins. */
const PROTOCOL_ERROR = 2;

function hangUp(connection: Connection, socket: Socket, { disconnectOnAuth }: Quirks): void {
  const protocol: unknown = Reflect.get(connection, '_protocol');
  const tell: unknown = typeof protocol === 'object' && protocol !== null && Reflect.get(protocol, 'disconnect');
  if (disconnectOnAuth === 'told' && typeof tell === 'function') Reflect.apply(tell, protocol, [PROTOCOL_ERROR]);
  socket.end();
}

function authenticate(context: AuthContext, users: readonly { user: SftpUser; keys: ParsedKey[] }[]): void {
  const found = users.find(({ user }) => user.name === context.username);
  const methods: ('publickey' | 'password' | 'keyboard-interactive')[] = [];
  if (found === undefined || found.keys.length > 0) methods.push('publickey');
  if (found === undefined || found.user.password !== undefined) methods.push('password');
  if (found === undefined || found.user.keyboardInteractive !== undefined) methods.push('keyboard-interactive');
  const refuse = () => context.reject(methods);
  if (found === undefined) {
    refuse();
  } else if (context.method === 'password' && found.user.password !== undefined) {
    if (same(Buffer.from(context.password), Buffer.from(found.user.password))) context.accept();
    else refuse();
  } else if (context.method === 'publickey') {
    const { key, signature, blob, hashAlgo } = context;
    const known = found.keys.find((candidate) => same(key.data, candidate.getPublicSSH()));
    if (known === undefined) refuse();
    else if (signature === undefined || blob === undefined) context.accept();
    else if (known.verify(blob, signature, hashAlgo) === true) context.accept();
    else refuse();
  } else if (context.method === 'keyboard-interactive' && found.user.keyboardInteractive !== undefined) {
    const questions = found.user.keyboardInteractive;
    context.prompt(
      questions.map(({ question }) => ({ prompt: question, echo: false })),
      (answers) => {
        const right = answers.length === questions.length && questions.every(({ answer }, i) => answers[i] === answer);
        if (right) context.accept();
        else refuse();
      },
    );
  } else {
    refuse();
  }
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function readPublicKey(line: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(line);
  if (parsed instanceof Error) throw parsed;
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) throw new Error('no key in this line');
  return key;
}

function publicPartOf(privateKey: string): { type: string; blob: Buffer } {
  const key = readPublicKey(privateKey);
  return { type: key.type, blob: key.getPublicSSH() };
}

function hostKeyOf(path: string | undefined): string {
  if (path === undefined) return newKeyPair().private;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    const { private: text } = newKeyPair();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    chmodSync(path, 0o600);
    return text;
  }
}

/** About one pair in two hundred that ssh2 makes is one that it cannot read itself. */
export function newKeyPair(passphrase?: string): { private: string; public: string } {
  const { generateKeyPairSync } = ssh2.utils;
  for (;;) {
    const pair =
      passphrase === undefined
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ed25519', { passphrase, cipher: 'aes256-cbc', rounds: 2 });
    const read = [ssh2.utils.parseKey(pair.private, passphrase), ssh2.utils.parseKey(pair.public)];
    if (!read.some((key) => key instanceof Error)) return pair;
  }
}
