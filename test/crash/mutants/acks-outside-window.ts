import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'acknowledgements are gathered for a large commit, and their places in the window given away at once',
  edits: [
    {
      file: 'src/delivery/window.ts',
      text: `    const ended = answered;
    answered = [];
    claimed -= ended.length;`,
      replacement: `    const gather = answered.length < 40 && ready.length > 0 && retries.length === 0;
    const ended = gather ? [] : answered;
    if (!gather) answered = [];`,
    },
    {
      file: 'src/delivery/window.ts',
      text: `    inFlight--;
    health.onAnswer(`,
      replacement: `    inFlight--;
    claimed--;
    health.onAnswer(`,
    },
    {
      file: 'src/delivery/window.ts',
      text: '    if (answered.length === 0) return ready.length > 0 && claimed < target() && !stopping();',
      replacement: `    if (answered.length < 40 && ready.length > 0 && retries.length === 0) return claimed < target() && !stopping();
    if (answered.length === 0) return ready.length > 0 && claimed < target() && !stopping();`,
    },
  ],
  foundBy: { scenario: 'few-rows' },
};
