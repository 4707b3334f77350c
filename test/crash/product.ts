import { join } from 'node:path';
import { type Process, productEnv, startProcess } from '../integration/support/processes.ts';

export interface ProductOptions {
  /** A checkout, or a copy of one: it holds `src/main.ts`. */
  tree: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** A program that runs it, with its arguments. */
  under?: readonly string[];
}

/** Starts the real program, as a shell would. */
export function startProduct({ tree, args, env, under = [] }: ProductOptions): Process {
  const command = [...under, process.execPath, join(tree, 'src/main.ts'), ...args];
  return startProcess(command, { env: productEnv(env), group: under.length > 0 });
}
