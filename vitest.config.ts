import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The tests wait for processes and servers more than they compute.
    maxWorkers: 3,
    // What is waited for comes late on a busy machine.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'unit', isolate: false, include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/{integration,faults,properties}/**/*.test.ts'],
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        // A minute of deaths, after all others: it needs the machine for itself.
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          testTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // Many lives and deaths of a process, an image built step by step, a page of commands: minutes in all.
        test: { name: 'long', include: ['test/long/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
