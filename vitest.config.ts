import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { findChromium, findProgram } from './scripts/services/find.ts'

const shared = {
  environment: 'node' as const,
  setupFiles: ['test/setup/console.ts'],
  restoreMocks: true,
  // Limits for tests that hang. On a busy machine, the slowest take a quarter of them.
  expect: { poll: { timeout: 60_000 } },
  testTimeout: 120_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    globalSetup: ['test/setup/services.ts'],
    reporters: ['default', './test/setup/count.ts'],
    pool: 'forks',
    // Two more than processors, because tests wait for timers, browsers and other processes half of the time.
    maxWorkers: Math.min(4, availableParallelism() + 2),
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['{client,contract,server,web}/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts'],
          exclude: [
            '**/node_modules/**',
            'web/dist/**',
            ...(findProgram('tesseract') ? [] : ['server/knowledge/parsers/ocr/**']),
          ],
        },
      },
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/journeys/**', ...(findProgram('curl') ? [] : ['test/conformance/**'])],
        },
      },
      {
        test: {
          ...shared,
          name: 'journeys',
          // Without Chromium, `npm test` prints a warning, and fails in CI.
          include: findChromium() ? ['test/journeys/**/*.test.ts'] : [],
          testTimeout: 180_000,
        },
      },
    ],
  },
})
