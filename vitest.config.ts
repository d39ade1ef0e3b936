import { defineConfig } from 'vitest/config';

const asRoot = '**/*.root.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{main,connector-host,build,bin}/**/*.test.ts', 'test/{architecture,types,lab}/**/*.test.ts'],
          exclude: [asRoot, '**/node_modules/**'],
        },
      },
      {
        // Each file starts whole families of processes: more at once only makes them wait for each other.
        test: {
          name: 'process',
          include: ['test/{process,attacks,e2e}/**/*.test.ts'],
          exclude: [asRoot],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          name: 'root',
          include: [asRoot],
          exclude: ['**/node_modules/**'],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
    ],
  },
});
