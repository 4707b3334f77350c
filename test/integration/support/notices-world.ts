import { perform } from '../../../src/commands/perform.ts';
import { createLog, realIo } from '../../../src/io.ts';
import { loadJobs } from '../../../src/jobs/load.ts';
import { openLedger } from '../../../src/ledger/open.ts';
import type { Io } from '../../../src/model.ts';
import { morningReportDuty } from '../../../src/schedule/duty-morning-report.ts';
import { noticesDuty } from '../../../src/schedule/duty-notices.ts';
import { run as runVerb } from '../../../src/schedule/verbs/run.ts';
import { readSettings } from '../../../src/settings.ts';
import { openWorld, type World } from './e2e-world.ts';
import { type HttpListener, listenHttp, listenSmtp, type SmtpListener } from './notices-listeners.ts';
import { fromEnv } from './usual-job.ts';

export const SECRET = 'a secret that only both of us know';
export const ROUTING_KEY = 'R0UT1NGKEY';

/** A world whose job has one channel of each kind, with what the duties of a daemon would do at a time of our choice. */
export interface NoticeWorld extends AsyncDisposable {
  world: World;
  http: HttpListener;
  smtp: SmtpListener;
  channels: object[];
  /** What the daemon sees to once a minute, at an instant; no process may have the ledger open. */
  look(now: number): Promise<void>;
  /** Texts of Slack messages so far. */
  slack(): string[];
  /** Everything that left, in one text. */
  everything(): string;
}

export async function openNoticeWorld(): Promise<NoticeWorld> {
  const [world, http, smtp] = await Promise.all([openWorld(), listenHttp(), listenSmtp()]);
  Object.assign(world.env, {
    SLACK_URL: `${http.url}/slack`,
    SMTP_URL: smtp.url,
    HOOK_SECRET: SECRET,
    PAGERDUTY_KEY: ROUTING_KEY,
  });
  const channels = [
    { slack: { url: fromEnv('SLACK_URL') } },
    {
      email: {
        smtp: fromEnv('SMTP_URL'),
        from: 'referry@bank.example',
        to: ['ops@bank.example', 'night@bank.example'],
      },
    },
    { webhook: { url: `${http.url}/hook?team=7`, secret: fromEnv('HOOK_SECRET') } },
    { pagerduty: { routingKey: fromEnv('PAGERDUTY_KEY'), url: `${http.url}/pagerduty` } },
  ];
  return {
    world,
    http,
    smtp,
    channels,
    look: (now) => seeTo(world, now),
    slack: () => http.received.filter(({ path }) => path === '/slack').map(({ body }) => String(JSON.parse(body).text)),
    everything: () =>
      [
        ...http.all.map(({ body, headers }) => `${JSON.stringify(headers)} ${body}`),
        ...smtp.mails.map(({ raw }) => raw),
      ].join('\n'),
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await smtp[Symbol.asyncDispose]();
      await world.close();
    },
  };
}

/** `referry run JOB` without the start of a process, of which these tests need many. Gives the exit code. */
export async function runHere(world: World, job: string): Promise<number> {
  const io: Io = { ...realIo(createLog('silent')), env: world.env };
  const settings = readSettings(world.env);
  const { signal } = new AbortController();
  return (await perform(runVerb, { verb: 'run', job }, { settings, io, signal, progress: () => {} })).exitCode;
}

/** Does the duties of the daemon once, with the clock set. */
export async function seeTo(world: World, now: number): Promise<void> {
  const io: Io = { ...realIo(createLog('silent')), env: world.env, now: () => now };
  const { jobs } = await loadJobs(world.jobs, io.env);
  const ledger = await openLedger(world.ledger, 'command', io);
  try {
    const { signal } = new AbortController();
    const context = { ledger, io, signal, jobs, state: world.state, jobsFolder: world.jobs, upkeep: {} };
    await noticesDuty.see(context);
    await morningReportDuty.see(context);
  } finally {
    await ledger.close();
  }
}
