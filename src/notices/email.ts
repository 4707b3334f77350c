import { createTransport } from 'nodemailer';
import { type Channel, headline, type NoticeMessage, type Sent } from './message.ts';

export interface EmailSettings {
  smtp: string;
  from: string;
  to: readonly string[];
}

const TIMEOUT_MS = 10_000;

/** Mail as plain text. A matter and its solution are one thread, and a message that is sent twice keeps its id. */
export function openEmail({ smtp, from, to }: EmailSettings): Channel {
  const { hostname, port, protocol, username, password } = new URL(smtp);
  const secure = protocol === 'smtps:';
  const transport = createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    // A password goes over an encrypted connection, or not at all.
    requireTLS: !secure && password !== '',
    // Said out loud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot switch it off.
    tls: { rejectUnauthorized: true },
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(message) {
      try {
        await transport.sendMail({ from, to: [...to], ...mailOf(message, from) });
        return { kind: 'sent' };
      } catch (error) {
        return problemOf(error);
      }
    },
    async [Symbol.asyncDispose]() {
      transport.close();
    },
  };
}

function mailOf(message: NoticeMessage, from: string): object {
  const domain = from.slice(from.indexOf('@') + 1);
  const thread = `<${message.subject}@${domain}>`;
  return {
    subject: `[referry] ${headline(message)}`,
    text: `${message.text}\n\nJob ${message.job}, ${message.at}. Notice ${message.id}.\n`,
    messageId: `<${message.id}@${domain}>`,
    inReplyTo: thread,
    references: thread,
    // So that no absence note answers.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Referry-Notice': message.id },
  };
}

/** The server's text is left out: it may repeat addresses. */
function problemOf(error: unknown): Sent {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  const status = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : Number.NaN;
  const problem = Number.isNaN(status) ? code : `SMTP ${status} (${code})`;
  // The message itself was refused: too large, or its content.
  return /^EMESSAGE$/.test(code) && status >= 500 ? { kind: 'refused', problem } : { kind: 'failed', problem };
}
