import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: 'test',
    include: ['**/*.test.ts'],
    globalSetup: ['support/server-setup.ts'],
    // A PGlite takes about a second to start on a busy machine, and the server suites share two cores.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    typecheck: {
      enabled: true,
      include: ['types/**/*.test-d.ts'],
      tsconfig: '../tsconfig.json',
      ignoreSourceErrors: true,
    },
  },
})
