import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{broker,ingest,api,devices,simulators,proof,mirror}/**/*.test.{ts,tsx}',
      '*.test.ts',
      '.ci/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['./simulators/servers/global-setup.ts'],
    allowOnly: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A second, the tool's own, is short of what a busy machine takes for anything.
    expect: { poll: { timeout: 60_000 } },
    coverage: {
      provider: 'v8',
      include: ['{broker,ingest,api,devices,proof,mirror}/**/*.ts', 'main.ts'],
      // Compositions of threads run in processes of their own, where nobody counts.
      exclude: [
        '**/*.test.ts',
        '**/*.contract.ts',
        '**/worker.ts',
        'ingest/cluster/{link,decide}-worker.ts',
        'api/worker-cluster.ts',
        'api/web/**',
      ],
      reporter: ['text-summary'],
      thresholds: { lines: 95, statements: 95, functions: 95, branches: 90 },
    },
  },
});
