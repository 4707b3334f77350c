import { pathToFileURL } from 'node:url';
import { IGNORED } from './template.ts';

/** The text of a new project, beside what `init` writes into each. */
interface ProjectText {
  /** Path of the job, below the project. */
  path: string;
  /** `<files>` stands for the folder of the files. */
  job: string;
  environment: string;
  readme: string;
}

/** A project whose files lie in a folder of its own: paths and their text. `folder`: where it will be; absolute. */
export function projectWithFiles(
  folder: string,
  { path, job, environment, readme }: ProjectText,
): Record<string, string> {
  const files = pathToFileURL(`${folder}/files`).href;
  return {
    [path]: job.replaceAll('<files>', () => files),
    '.env.example': environment,
    '.gitignore': IGNORED_FILES,
    'README.md': readme,
    // An empty folder is not kept by git. A name that begins with a dot is never taken for an input.
    'files/inbox/.gitkeep': '',
  };
}

const IGNORED_FILES = `${IGNORED}files/*
!files/inbox/
files/inbox/*
!files/inbox/.gitkeep
`;
