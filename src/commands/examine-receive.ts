import type { Job } from '../jobs/schema.ts';
import type { Io } from '../model.ts';
import { type Receiving, tryCommand, tryPost } from '../receivers/try-post.ts';
import { WEBHOOKS } from '../receivers/webhooks.ts';
import type { Address, Settings } from '../settings.ts';
import type { Examined, Step } from './examine.ts';

/** Whether what a provider posts would get to a job: an empty post is sent to this machine's own daemon, as the provider signs. */
export async function examineReceive(job: Job, settings: Settings, io: Io): Promise<Examined | undefined> {
  const receiving = receivingOf(job);
  if (!receiving) return undefined;
  const subject = `job ${job.id}: webhooks of ${receiving.provider === 'extole' ? 'Extole' : 'Heap'}`;
  const path = `${WEBHOOKS}${job.id}`;
  const address = settings.receive ?? settings.listen;
  if (!address) {
    const detail = 'nothing listens for them: neither REFERRY_RECEIVE nor REFERRY_LISTEN is set here';
    const hint = 'set it as for the daemon: REFERRY_RECEIVE=127.0.0.1:9465';
    return { subject, steps: [{ step: 'listen', verdict: 'warn', detail, hint }] };
  }
  const url = `http://${hostOf(address)}:${address.port}${path}`;
  const steps = [judge(url, await tryPost(url, receiving, io)), ...openPages(settings)];
  const detail = `through the proxy that has the certificate, answered ignored: ${tryCommand(`https://YOUR-PROXY${path}`, receiving)}`;
  return { subject, steps: [...steps, { step: 'to try it', verdict: 'ok', detail }] };
}

function receivingOf(job: Job): Receiving | undefined {
  if (job.pipeline === 'export-share-links' && job.receive !== undefined)
    return { provider: 'extole', receive: job.receive };
  if (job.pipeline === 'sync-segment' && job.receive !== undefined) return { provider: 'heap', receive: job.receive };
  return undefined;
}

/** A daemon that listens on every address answers on this machine's own. */
function hostOf({ host }: Address): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function judge(url: string, status: number | undefined): Step {
  const step = 'post';
  if (status === 200) return { step, verdict: 'ok', detail: `${url} took an empty post with the key` };
  const failed = { step, verdict: 'FAIL', cause: 'configuration' } as const;
  if (status === undefined) {
    const hint = 'start the daemon with the same address';
    return { step, verdict: 'warn', detail: `${url} does not answer: no daemon runs there`, hint };
  }
  if (status === 401 || status === 403) {
    const hint = 'the daemon was started with another key in its environment: restart it, or give keys by file';
    return { ...failed, detail: `${url} refuses the key (${status})`, hint };
  }
  if (status === 404) {
    const hint = 'it has other job files: compare REFERRY_JOBS, or wait 5 s for it to read them again';
    return { ...failed, detail: `the daemon on ${url} has no such job`, hint };
  }
  return { ...failed, detail: `${url} answers ${status}`, hint: 'see the log of the daemon' };
}

function openPages({ listen, receive }: Settings): Step[] {
  const open = listen?.host === '0.0.0.0' || listen?.host === '::';
  if (receive !== undefined || !open) return [];
  const detail = 'REFERRY_LISTEN is on every address of this machine, with /metrics, which needs no password';
  const hint = 'take webhooks at REFERRY_RECEIVE, and keep REFERRY_LISTEN on 127.0.0.1';
  return [{ step: 'listen', verdict: 'warn', detail, hint }];
}
