import type { Process } from '../integration/support/processes.ts';
import type { Json } from '../integration/support/usual-job.ts';
import type { Chance } from './chance.ts';
import type { Facts } from './facts.ts';
import type { History, Kind, Rules } from './history.ts';
import type { Experience, Kill } from './kill.ts';
import type { Life } from './life.ts';
import type { InputFile, Verdict } from './oracle.ts';
import type { Sight } from './partners.ts';
import type { Sampler } from './samples.ts';
import type { CrashWorld, WorldWishes } from './world.ts';

/**
 * A way in which the product is used, told again and again with deaths at other places. One file in `scenarios`, found by itself:
 * a new pipeline or lane is in the harness once it has one.
 */
export interface Scenario {
  name: string;
  /** One line for people. */
  about: string;
  /** How often it is told, compared with the others; default 1. */
  weight?: number;
  /**
   * Named places that few scenarios come by, by the command that does, or by the chapter of it: this one is told until they were hit
   * often enough.
   */
  reaches?: Readonly<Record<string, readonly string[]>>;
  world: WorldWishes;
  rules?: Partial<Pick<Rules, 'by' | 'resends' | 'jobs' | 'ordered' | 'restored'>>;
  /** Share of the answers that are bad while it is killed: Extole's, and the SFTP servers'. */
  faults: { extole: number; sftp?: number };
  /** Folders beside results and reports that somebody looks at; `changing`: a file there may be replaced by a newer one. */
  watched?: readonly { folder: string; changing?: boolean }[];
  /** What must hold at the end, where it is not about events. */
  check?: (end: { history: History; results: Sight; reports: Sight }) => Promise<void>;
  /** Everything from the job file to the last convergence. What must hold then is checked by the harness. */
  tell(story: Story): Promise<void>;
}

export interface LiveOptions {
  /** Ends the lives. Default: every file is through, and no row is open. */
  until?: (facts: Facts, life: Life) => boolean;
  /** The most deaths here. Default 8; 0: none. */
  kills?: number;
  /** Exit codes that are right here. Default 0, 3, 4. */
  ends?: readonly number[];
  /** A process that does not end by itself: what is done while it lives, and how it is ended. */
  whileIt?: (process: Process) => Promise<void>;
  /** Called before each life. */
  before?: () => void | Promise<void>;
  env?: Readonly<Record<string, string>>;
  /** It may end with a death: what comes next goes on from there. */
  mayDie?: boolean;
  /** Where the same command comes by other places than before: the name under which `reaches` has it. Default: the command. */
  chapter?: string;
  /** Chooses the deaths; default: so that every named place is reached. */
  choose?: (chance: Chance, seen: Experience) => Kill;
}

/** What a scenario does with its world. */
export interface Story {
  chance: Chance;
  world: CrashWorld;
  sampler: Sampler;
  /** Writes a job file, of the id `feed` where no other is given. */
  job(change?: Json, id?: string): void;
  /**
   * Puts a file in the inbox. Files are worked on in the order in which they are dropped. `as`: how it is packed, under which name.
   */
  drop(
    file: InputFile,
    as?: { job?: string; name?: string; bytes?: Buffer; resultsBase?: string; sealed?: boolean },
  ): void;
  /** Starts a command again and again, with deaths, until `until` holds. Gives what was found on disk then. */
  live(args: readonly string[], options?: LiveOptions): Promise<Facts>;
  /** The same for a daemon, which makes up for a tick of its schedule that it missed, and is stopped when its runs are through. */
  daemon(options?: LiveOptions): Promise<Facts>;
  /**
   * A command that a living daemon executes: the daemon is what dies. Until `until` holds and the command was answered.
   */
  ask(args: readonly string[], options?: LiveOptions): Promise<Facts>;
  /** Starts a command beside others. */
  start(args: readonly string[]): Process;
  /** What was found on disk last. */
  last(): Facts;
  /** What a person decided about rows: the oracle must know. */
  verdict(verdict: Verdict): void;
  /** Rows that a person releases now: each may be sent once more. */
  released(keys: readonly string[]): void;
  /** Something that only this scenario can see is wrong. */
  complain(kind: Kind, what: string): void;
}
