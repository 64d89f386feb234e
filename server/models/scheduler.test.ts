import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { createScheduler, createSchedulers } from './scheduler.ts'

const never = new AbortController().signal
const timings = { idleMs: 1, initialBackoffMs: 1 }
const local = (more: Parameters<typeof createScheduler>[0]['timings'] = {}) =>
  createScheduler({ remote: false, closing: never, timings: { ...timings, ...more } })

/** Work that runs until `finish` is called or its signal aborts. */
function createWork(name: string, events: string[]) {
  const { promise: end, resolve: finish } = Promise.withResolvers<void>()
  const started: (() => void)[] = []
  let attempts = 0
  return {
    finish,
    begins: () => new Promise<void>((resolve) => started.push(resolve)),
    attempts: () => attempts,
    async work(signal: AbortSignal): Promise<string> {
      attempts += 1
      events.push(`${name} begins`)
      for (const resolve of started.splice(0)) resolve()
      await Promise.race([end, once(signal, 'abort')])
      events.push(signal.aborted ? `${name} is preempted` : `${name} ends`)
      signal.throwIfAborted()
      return name
    },
  }
}

describe('the scheduler of a local server', () => {
  test('runs one background call at a time, in order', async () => {
    const events: string[] = []
    const scheduler = local()
    const works = ['a', 'b', 'c'].map((name) => createWork(name, events))
    const results = works.map(({ work }) => scheduler.runInBackground(never, work))
    expect(scheduler.stats()).toMatchObject({ working: 1, waiting: 2 })
    for (const { finish } of works) finish()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('preempts a background call for an answer and restarts it afterwards', async () => {
    const events: string[] = []
    const scheduler = local()
    const title = createWork('title', events)
    const result = scheduler.runInBackground(never, title.work)
    const endAnswer = scheduler.beginAnswer()
    const endOther = scheduler.beginAnswer()
    await expect.poll(() => events).toEqual(['title begins', 'title is preempted'])
    endAnswer()
    endAnswer()
    const again = title.begins()
    expect(scheduler.stats().working).toBe(0)
    endOther()
    await again
    title.finish()
    expect(await result).toBe('title')
    expect(title.attempts()).toBe(2)
    expect(scheduler.stats()).toEqual({ waiting: 0, working: 0, preempted: 1 })
  })

  test('starts no background call during an answer', async () => {
    const events: string[] = []
    const scheduler = local()
    const end = scheduler.beginAnswer()
    const memory = createWork('memory', events)
    const result = scheduler.runInBackground(never, memory.work)
    expect(scheduler.stats()).toMatchObject({ waiting: 1, working: 0 })
    memory.finish()
    end()
    expect(await result).toBe('memory')
  })

  test('delays a call until the server has been idle for its idleMs', async () => {
    const scheduler = local()
    const done: string[] = []
    scheduler.beginAnswer()()
    const patient = scheduler.runInBackground(never, async () => done.push('patient'), { idleMs: 150 })
    const usual = scheduler.runInBackground(never, async () => done.push('usual'))
    await usual
    expect(done).toEqual(['usual'])
    await patient
    expect(done).toEqual(['usual', 'patient'])
  })

  test('runs a call that has waited for maxWaitMs concurrently with answers', async () => {
    const events: string[] = []
    const scheduler = local({ maxWaitMs: 5 })
    const end = scheduler.beginAnswer()
    const work = createWork('embedding', events)
    const begun = work.begins()
    const result = scheduler.runInBackground(never, work.work)
    await begun
    scheduler.beginAnswer()()
    work.finish()
    expect(await result).toBe('embedding')
    expect(work.attempts()).toBe(1)
    end()
  })

  test('rejects with the error of the work and continues with the next call', async () => {
    const scheduler = local()
    const broken = scheduler.runInBackground(never, async () => {
      throw new Error('no such model')
    })
    const next = scheduler.runInBackground(never, async () => 'fine')
    await expect(broken).rejects.toThrow('no such model')
    expect(await next).toBe('fine')
  })

  test('cancels a waiting or running call when its signal aborts', async () => {
    const events: string[] = []
    const scheduler = local()
    const leave = new AbortController()
    const begun = createWork('begun', events)
    const results = [
      scheduler.runInBackground(leave.signal, begun.work),
      scheduler.runInBackground(leave.signal, begun.work),
    ]
    leave.abort(new Error('left'))
    for (const result of results) await expect(result).rejects.toThrow('left')
    expect(begun.attempts()).toBe(1)
    expect(scheduler.stats()).toEqual({ waiting: 0, working: 0, preempted: 0 })
    await expect(scheduler.runInBackground(leave.signal, begun.work)).rejects.toThrow('left')
  })

  test('runs nested calls and answers at once', async () => {
    const scheduler = local()
    const result = await scheduler.runInBackground(never, async (signal) => {
      const end = scheduler.beginAnswer()
      const inner = await scheduler.runInBackground(signal, async () => 'inner')
      end()
      signal.throwIfAborted()
      return inner
    })
    expect(result).toBe('inner')
    expect(scheduler.stats().preempted).toBe(0)
  })

  test('rejects waiting calls when the server closes', async () => {
    const closing = new AbortController()
    const scheduler = createScheduler({ remote: false, closing: closing.signal, timings })
    scheduler.beginAnswer()
    const result = scheduler.runInBackground(never, async () => 'never')
    closing.abort(new Error('closing'))
    await expect(result).rejects.toThrow('closing')
  })
})

describe('the scheduler of a remote service', () => {
  test('runs two background calls at a time, also during answers', async () => {
    const events: string[] = []
    const scheduler = createScheduler({ remote: true, closing: never, timings })
    const works = ['a', 'b', 'c'].map((name) => createWork(name, events))
    const results = works.map(({ work }) => scheduler.runInBackground(never, work))
    scheduler.beginAnswer()
    expect(scheduler.stats()).toMatchObject({ waiting: 1, working: 2, preempted: 0 })
    for (const { finish } of works) finish()
    await Promise.all(results)
    expect(events.slice(0, 2)).toEqual(['a begins', 'b begins'])
  })
})

test('protocols of one server share a scheduler, other servers have their own', () => {
  const schedulers = createSchedulers(never)
  const ollama = schedulers.for({ address: 'http://127.0.0.1:11434', remote: false })
  expect(schedulers.for({ address: 'http://127.0.0.1:11434/v1', remote: false })).toBe(ollama)
  expect(schedulers.for({ address: 'http://127.0.0.1:9000/v1', remote: false })).not.toBe(ollama)
})

describe('answers beyond the parallel limit', () => {
  const limited = (maxParallel: number) =>
    createScheduler({ remote: false, closing: never, timings, maxParallel: () => maxParallel })
  type Limited = ReturnType<typeof limited>

  /** Waits for a slot. Records the positions in the queue; `start` resolves with the function that frees the slot. */
  function queue(scheduler: Limited, user: string, signal = never) {
    const places: number[] = []
    async function wait(): Promise<() => void> {
      const waiting = scheduler.queueAnswer(user, signal)
      for (;;) {
        const step = await waiting.next()
        if (step.done) return step.value
        places.push(step.value.position)
      }
    }
    return { user, places, start: wait() }
  }

  test('of a burst of 50 people on two slots start in turn: nobody waits for the second answer of another', async () => {
    const scheduler = limited(2)
    const started: string[] = []
    // One user asks ten times before the others arrive.
    const users = [
      ...Array.from({ length: 10 }, () => 'eager'),
      ...Array.from({ length: 49 }, (_, i) => `user ${i}`),
    ]
    const background = createWork('background', started)
    const answers = users.map(async (user) => {
      const end = await queue(scheduler, user).start
      started.push(user)
      await Promise.resolve()
      end()
    })
    const done = scheduler.runInBackground(never, background.work)
    background.finish()
    await Promise.all([...answers, done])
    expect(started.slice(0, 2)).toEqual(['eager', 'eager'])
    const others = started.slice(2, 51)
    expect(new Set(others)).toHaveProperty('size', 49)
    expect(others).not.toContain('eager')
    expect(started.slice(51, 59)).toEqual(Array.from({ length: 8 }, () => 'eager'))
    expect(started.slice(59)).toEqual(['background begins', 'background ends'])
  })

  test('let a background call that has waited for maxWaitMs go first, within the limit', async () => {
    const scheduler = limited(1)
    const events: string[] = []
    const end = await queue(scheduler, 'a').start
    const call = createWork('overdue', events)
    const result = scheduler.runInBackground(never, call.work, { maxWaitMs: 0 })
    expect(scheduler.stats()).toMatchObject({ working: 0, waiting: 1 })
    const next = queue(scheduler, 'b')
    const started = next.start.then((endNext) => {
      events.push('b begins')
      return endNext
    })
    await expect.poll(() => next.places).toEqual([1])
    end()
    call.finish()
    expect(await result).toBe('overdue')
    ;(await started)()
    expect(events).toEqual(['overdue begins', 'overdue ends', 'b begins'])
  })

  test('are not overtaken by users who come later, also of users who have had an answer', async () => {
    const scheduler = limited(1)
    ;(await queue(scheduler, 'returning').start)()
    const end = await queue(scheduler, 'first').start
    const returning = queue(scheduler, 'returning')
    const newcomer = queue(scheduler, 'newcomer')
    await expect.poll(() => newcomer.places).toEqual([2])
    end()
    ;(await returning.start)()
    ;(await newcomer.start)()
    expect([returning.places, newcomer.places]).toEqual([[1], [2, 1]])
  })

  test('have an expected wait of the median answer, less the elapsed time of the running ones', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const scheduler = limited(2)
    // The duration of the first includes loading the model.
    for (const ms of [60_000, 4_000, 4_000]) {
      const end = await queue(scheduler, 'a').start
      vi.advanceTimersByTime(ms)
      end()
    }
    await queue(scheduler, 'a').start
    vi.advanceTimersByTime(1_000)
    await queue(scheduler, 'b').start
    const places = ['c', 'd', 'e'].map(
      async (user) => (await scheduler.queueAnswer(user, never).next()).value,
    )
    expect(await Promise.all(places)).toEqual([
      { position: 1, waitMs: 3_000 },
      { position: 2, waitMs: 4_000 },
      { position: 3, waitMs: 7_000 },
    ])
    vi.useRealTimers()
  })

  test('get their position and the expected wait, and leave the queue when they are stopped', async () => {
    const scheduler = limited(1)
    const end = await queue(scheduler, 'a').start
    const stop = new AbortController()
    const stopped = queue(scheduler, 'b', stop.signal)
    const last = queue(scheduler, 'c')
    await expect.poll(() => last.places).toEqual([2])
    stop.abort(new Error('stopped'))
    await expect(stopped.start).rejects.toThrow('stopped')
    await expect.poll(() => last.places).toEqual([2, 1])
    const waiting = scheduler.queueAnswer('d', never)
    expect((await waiting.next()).value).toEqual({ position: 2, waitMs: null })
    end()
    const endLast = await last.start
    expect((await waiting.next()).value).toEqual({ position: 1, waitMs: expect.any(Number) })
    // A reader that disconnects loses its position, and its answer takes no slot.
    await waiting.return(() => undefined)
    endLast()
    ;(await queue(scheduler, 'e').start)()
  })
})
