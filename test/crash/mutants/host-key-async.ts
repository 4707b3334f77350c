import type { Mutant } from './mutant.ts';

export const mutant: Mutant = {
  title: 'the host key is judged by a promise, which ssh2 takes for a yes',
  edits: [
    {
      file: 'src/remotes/handshake.ts',
      text: '    hostVerifier: (key: Buffer): boolean => {',
      replacement: '    hostVerifier: async (key: Buffer): Promise<boolean> => {',
    },
  ],
  foundBy: { check: 'host-key' },
};
