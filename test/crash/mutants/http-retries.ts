import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'the HTTP client sends a request again that got no answer',
  edits: [
    {
      file: 'src/delivery/http.ts',
      text: `    post: (path, headers, body, done) => dispatch('POST', path, headers, body, done),`,
      replacement: `    post: (path, headers, body, done) =>
      dispatch('POST', path, headers, body, (reply) => {
        if (reply.kind === 'ambiguous' && typeof body === 'string') dispatch('POST', path, headers, body, done);
        else done(reply);
      }),`,
    },
  ],
  foundBy: { scenario: 'few-rows' },
};
