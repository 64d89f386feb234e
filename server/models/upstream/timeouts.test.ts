import { expect, test } from 'vitest'
import { createOllamaService } from './service.ts'
import { watchTimeouts } from './timeouts.ts'

const service = createOllamaService('http://127.0.0.1:11434')
const timeouts = { firstTokenMs: 300_000, stallMs: 60_000 }

/** Creates a watch whose timers fire only when a test calls `fire`. */
function startWatch() {
  let pending: { callback: () => void; ms: number } | undefined
  const watch = watchTimeouts(service, timeouts, {
    setTimeout(callback, ms) {
      pending = { callback, ms }
      return undefined as unknown as NodeJS.Timeout
    },
    clearTimeout() {
      pending = undefined
    },
  })
  return {
    watch,
    /** Fires the pending timer, however late, and returns its delay; 0 when there is none. */
    fire(): number {
      const timer = pending
      pending = undefined
      timer?.callback()
      return timer?.ms ?? 0
    },
  }
}

test('aborts with no_first_token, later with stalled, after the whole timeout', () => {
  for (const [code, ms] of [
    ['no_first_token', 300_000],
    ['stalled', 60_000],
  ] as const) {
    const { watch, fire } = startWatch()
    if (code === 'stalled') watch.received()
    watch.startWaiting()
    let waitedMs = 0
    while (!watch.signal.aborted) waitedMs += fire()
    expect(waitedMs).toBe(ms)
    expect(watch.signal.reason).toMatchObject({ code })
  }
})

test('a suspended process does not fail an answer that continues after it resumes', () => {
  const { watch, fire } = startWatch()
  watch.startWaiting()
  watch.received()
  watch.startWaiting()
  // The process was suspended for hours: the pending timer fires once, before the event loop reads what has arrived.
  fire()
  expect(watch.signal.aborted).toBe(false)
  watch.received()
  watch.startWaiting()
  fire()
  expect(watch.signal.aborted).toBe(false)
})

test('does not count time while no reader waits for a part', () => {
  const { watch, fire } = startWatch()
  watch.startWaiting()
  watch.received()
  expect(fire()).toBe(0)
  expect(watch.signal.aborted).toBe(false)
})
