import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The tests wait for processes and servers more than they compute.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'unit', isolate: false, include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
