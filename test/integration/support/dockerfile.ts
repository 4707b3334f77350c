import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export interface Instruction {
  name: string;
  text: string;
}

/** What an image would start with. Paths are of the folder that stands for its root. */
export interface Image {
  root: string;
  env: Record<string, string>;
  user: string;
  workdir: string;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
  volumes: string[];
}

/** The instructions of a Dockerfile, in order. */
export function readDockerfile(path: string): Instruction[] {
  return readFileSync(path, 'utf8')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      return { name, text };
    });
}

export interface BuildOptions {
  /** The build context. */
  context: string;
  /** An empty folder. */
  target: string;
  /** Puts its own work in the place of a RUN; `true` where it has done so. */
  instead: (command: string, workdir: string) => boolean;
}

/**
 * Does what an engine would do with the instructions, in a folder for each stage instead of a container. Only what .dockerignore lets
 * through is there to be copied.
 */
export function build(instructions: readonly Instruction[], options: BuildOptions): Image {
  const { context, target } = options;
  const allowed: string[] = readFileSync(join(context, '.dockerignore'), 'utf8').match(/^!.*$/gm) ?? [];
  const stages = new Map<string, string>();
  let image: Image | undefined;
  for (const { name, text } of instructions) {
    if (name === 'FROM') {
      const stage = / AS (\S+)$/.exec(text)?.[1] ?? 'last';
      const root = join(target, stage);
      for (const folder of ['usr/local/bin', 'var/lib', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
      stages.set(stage, root);
      image = { root, env: {}, user: '', workdir: '/', entrypoint: [], command: [], healthcheck: [], volumes: [] };
      continue;
    }
    if (!image) throw new Error(`${name} before FROM`);
    const here = image;
    switch (name) {
      case 'WORKDIR':
        here.workdir = text;
        mkdirSync(join(here.root, text), { recursive: true });
        break;
      case 'ENV': {
        const [key = '', value = ''] = text.split('=');
        here.env[key] = value;
        break;
      }
      case 'COPY': {
        const words = text.split(/\s+/);
        const from = words[0]?.startsWith('--from=') ? stages.get(words.shift()?.slice(7) ?? '') : undefined;
        const to = words.pop() ?? '';
        for (const word of words) {
          if (from === undefined && !allowed.includes(`!${word}`)) throw new Error(`.dockerignore hides ${word}`);
          const into = to.endsWith('/') ? join(to, basename(word)) : to;
          copy(
            from === undefined ? join(context, word) : join(from, word),
            join(here.root, resolve(here.workdir, into)),
          );
        }
        break;
      }
      case 'RUN': {
        const cwd = join(here.root, here.workdir);
        if (options.instead(text, cwd)) break;
        const command = text.replaceAll(/(?<=\s)\/(?=(?:app|usr|var)\b)/g, `${here.root}/`);
        const ran = spawnSync('sh', ['-euc', command], { cwd, encoding: 'utf8', env: cleanEnv(here) });
        if (ran.status !== 0) throw new Error(`RUN ${command}\n${ran.stdout}${ran.stderr}`);
        break;
      }
      case 'USER':
        here.user = text;
        break;
      case 'VOLUME':
        here.volumes.push(text);
        break;
      case 'ENTRYPOINT':
        here.entrypoint = JSON.parse(text);
        break;
      case 'CMD':
        here.command = JSON.parse(text);
        break;
      case 'HEALTHCHECK':
        here.healthcheck = JSON.parse(text.slice(text.indexOf('CMD') + 3));
        break;
      case 'EXPOSE':
      case 'STOPSIGNAL':
        break;
      default:
        throw new Error(`an instruction that this reader does not know: ${name}`);
    }
  }
  if (!image) throw new Error('no FROM');
  return image;
}

function cleanEnv({ env }: Image): Record<string, string> {
  // What is in npm's cache is as good as what is not.
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', npm_config_prefer_offline: 'true', ...env };
}

function copy(from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`COPY: there is no ${from}`);
  mkdirSync(dirname(to), { recursive: true });
  if (basename(from) === 'node_modules' && existsSync(join(from, '.linked'))) symlinkSync(from, to);
  else cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

/** Hands a volume to the image's user, as an engine does with what the image has there. */
export function handOver(path: string, user: string): void {
  const [uid = 0, gid = 0] = user.split(':').map(Number);
  chownSync(path, uid, gid);
}
