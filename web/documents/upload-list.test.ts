import { expect, test } from 'vitest'
import { summarizeUploads } from './upload-list.tsx'
import type { Upload } from './upload-queue.ts'

const summary = (...phases: Upload['phase'][]): string =>
  summarizeUploads(phases.map((phase, id) => ({ id, phase }) as Upload))

test.each([
  [summary('done', 'failed', 'waiting', 'sending'), '2 of 4 uploads finished · 1 failed'],
  [summary('done', 'done'), '2 uploads finished'],
  [summary('done', 'failed', 'failed', 'done'), '2 of 4 uploads added · 2 failed'],
  [summary('stopped', 'done'), '1 of 2 uploads added · 1 stopped'],
])('summarizes uploads: %s', (shown, expected) => {
  expect(shown).toBe(expected)
})
