import { defineConfig } from 'vitest/config'

// OPA_TEST_DRIZZLE=1: the suite on drizzle-orm 1.0 in place of 0.45.
const alias =
  process.env.OPA_TEST_DRIZZLE === '1' ? [{ find: /^drizzle-orm(?=\/|$)/, replacement: 'drizzle-orm-1' }] : []

export default defineConfig({
  resolve: { alias },
  test: {
    root: 'test',
    // OPA_TEST_LONG=1: storms of many minutes in place of the suite (npm run test:long).
    include: [process.env.OPA_TEST_LONG === '1' ? '**/*.long.ts' : '**/*.test.ts'],
    globalSetup: ['support/server-setup.ts'],
    // Against what hangs, not against what is slow: CI's machine may be three times slower than another day.
    testTimeout: process.env.CI ? 180_000 : 60_000,
    // Leases of a second and less are tested by the clock of a shared machine.
    retry: process.env.CI ? 2 : 0,
    hookTimeout: 180_000,
    expect: { poll: { timeout: process.env.CI ? 30_000 : 5_000 } },
    // As src/cli/main.ts: a file's embedded databases are closed before optimised code would pay.
    execArgv: ['--wasm-tiering-budget=200000000'],
    // One more than the two cores of the smallest machine: many tests wait for processes and servers.
    maxWorkers: 3,
    typecheck: {
      enabled: true,
      include: ['types/**/*.test-d.ts'],
      tsconfig: '../tsconfig.json',
      ignoreSourceErrors: true,
    },
  },
})
