import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { createScheduler, createSchedulers } from './scheduler.ts'

const never = new AbortController().signal
const pace = { restMs: 1, firstBackoffMs: 1 }
const local = (more: Parameters<typeof createScheduler>[0]['pace'] = {}) =>
  createScheduler({ remote: false, closing: never, pace: { ...pace, ...more } })

/** Work that goes on until it is told to end or its signal fires. */
function openWork(name: string, told: string[]) {
  const { promise: end, resolve: finish } = Promise.withResolvers<void>()
  const begun: (() => void)[] = []
  let attempts = 0
  return {
    finish,
    begins: () => new Promise<void>((resolve) => begun.push(resolve)),
    attempts: () => attempts,
    async work(signal: AbortSignal): Promise<string> {
      attempts += 1
      told.push(`${name} begins`)
      for (const resolve of begun.splice(0)) resolve()
      await Promise.race([end, once(signal, 'abort')])
      told.push(signal.aborted ? `${name} gives way` : `${name} ends`)
      signal.throwIfAborted()
      return name
    },
  }
}

describe('the way to a local model server', () => {
  test('lets one background call in at a time, in the order of their coming', async () => {
    const told: string[] = []
    const lane = local()
    const works = ['a', 'b', 'c'].map((name) => openWork(name, told))
    const results = works.map(({ work }) => lane.runInBackground(never, work))
    expect(lane.stats()).toMatchObject({ working: 1, waiting: 2 })
    for (const { finish } of works) finish()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
    expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('takes a background call off at once when somebody asks, and does it anew after the answer', async () => {
    const told: string[] = []
    const lane = local()
    const title = openWork('title', told)
    const result = lane.runInBackground(never, title.work)
    const endAnswer = lane.beginAnswer()
    const endOther = lane.beginAnswer()
    await vi.waitFor(() => expect(told).toEqual(['title begins', 'title gives way']))
    endAnswer()
    endAnswer()
    const again = title.begins()
    expect(lane.stats().working).toBe(0)
    endOther()
    await again
    title.finish()
    expect(await result).toBe('title')
    expect(title.attempts()).toBe(2)
    expect(lane.stats()).toEqual({ waiting: 0, working: 0, preempted: 1 })
  })

  test('begins nothing while somebody is answered', async () => {
    const told: string[] = []
    const lane = local()
    const end = lane.beginAnswer()
    const memory = openWork('memory', told)
    const result = lane.runInBackground(never, memory.work)
    expect(lane.stats()).toMatchObject({ waiting: 1, working: 0 })
    memory.finish()
    end()
    expect(await result).toBe('memory')
  })

  test('lets a call that wishes so wait until nobody was answered for longer', async () => {
    const lane = local()
    const done: string[] = []
    lane.beginAnswer()()
    const patient = lane.runInBackground(never, async () => done.push('patient'), { restMs: 150 })
    const usual = lane.runInBackground(never, async () => done.push('usual'))
    await usual
    expect(done).toEqual(['usual'])
    await patient
    expect(done).toEqual(['usual', 'patient'])
  })

  test('lets a call that has waited too long go beside the answers, for good', async () => {
    const told: string[] = []
    const lane = local({ longestWaitMs: 5 })
    const end = lane.beginAnswer()
    const work = openWork('embedding', told)
    const begun = work.begins()
    const result = lane.runInBackground(never, work.work)
    await begun
    lane.beginAnswer()()
    work.finish()
    expect(await result).toBe('embedding')
    expect(work.attempts()).toBe(1)
    end()
  })

  test('hands on what the work throws, and goes on with the next', async () => {
    const lane = local()
    const broken = lane.runInBackground(never, async () => {
      throw new Error('no such model')
    })
    const next = lane.runInBackground(never, async () => 'fine')
    await expect(broken).rejects.toThrow('no such model')
    expect(await next).toBe('fine')
  })

  test('forgets a call whose caller has left, waiting or begun', async () => {
    const told: string[] = []
    const lane = local()
    const leave = new AbortController()
    const begun = openWork('begun', told)
    const results = [
      lane.runInBackground(leave.signal, begun.work),
      lane.runInBackground(leave.signal, begun.work),
    ]
    leave.abort(new Error('left'))
    for (const result of results) await expect(result).rejects.toThrow('left')
    expect(begun.attempts()).toBe(1)
    expect(lane.stats()).toEqual({ waiting: 0, working: 0, preempted: 0 })
    await expect(lane.runInBackground(leave.signal, begun.work)).rejects.toThrow('left')
  })

  test('lets work do further background calls and ask without standing in its own way', async () => {
    const lane = local()
    const result = await lane.runInBackground(never, async (signal) => {
      const end = lane.beginAnswer()
      const inner = await lane.runInBackground(signal, async () => 'inner')
      end()
      signal.throwIfAborted()
      return inner
    })
    expect(result).toBe('inner')
    expect(lane.stats().preempted).toBe(0)
  })

  test('rejects what waits when the server closes', async () => {
    const closing = new AbortController()
    const lane = createScheduler({ remote: false, closing: closing.signal, pace })
    lane.beginAnswer()
    const result = lane.runInBackground(never, async () => 'never')
    closing.abort(new Error('closing'))
    await expect(result).rejects.toThrow('closing')
  })
})

describe('the way to a remote service', () => {
  test('takes two background calls at once, whoever is answered', async () => {
    const told: string[] = []
    const lane = createScheduler({ remote: true, closing: never, pace })
    const works = ['a', 'b', 'c'].map((name) => openWork(name, told))
    const results = works.map(({ work }) => lane.runInBackground(never, work))
    lane.beginAnswer()
    expect(lane.stats()).toMatchObject({ waiting: 1, working: 2, preempted: 0 })
    for (const { finish } of works) finish()
    await Promise.all(results)
    expect(told.slice(0, 2)).toEqual(['a begins', 'b begins'])
  })
})

test('two protocols of one server share its way, other servers have their own', () => {
  const lanes = createSchedulers(never)
  const ollama = lanes.to({ address: 'http://127.0.0.1:11434', remote: false })
  expect(lanes.to({ address: 'http://127.0.0.1:11434/v1', remote: false })).toBe(ollama)
  expect(lanes.to({ address: 'http://127.0.0.1:9000/v1', remote: false })).not.toBe(ollama)
})
