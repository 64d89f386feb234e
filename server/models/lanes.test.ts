import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { lanesOf, newLane } from './lanes.ts'

const never = new AbortController().signal
const pace = { restMs: 1, firstBackoffMs: 1 }
const local = (more: Parameters<typeof newLane>[0]['pace'] = {}) =>
  newLane({ remote: false, closing: never, pace: { ...pace, ...more } })

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
    const results = works.map(({ work }) => lane.background(never, work))
    expect(lane.stats()).toMatchObject({ working: 1, waiting: 2 })
    for (const { finish } of works) finish()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
    expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('takes a background call off at once when somebody asks, and does it anew after the answer', async () => {
    const told: string[] = []
    const lane = local()
    const title = openWork('title', told)
    const result = lane.background(never, title.work)
    const endAnswer = lane.answering()
    const endOther = lane.answering()
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
    expect(lane.stats()).toEqual({ waiting: 0, working: 0, gaveWay: 1 })
  })

  test('begins nothing while somebody is answered', async () => {
    const told: string[] = []
    const lane = local()
    const end = lane.answering()
    const memory = openWork('memory', told)
    const result = lane.background(never, memory.work)
    expect(lane.stats()).toMatchObject({ waiting: 1, working: 0 })
    memory.finish()
    end()
    expect(await result).toBe('memory')
  })

  test('lets a call that wishes so wait until nobody was answered for longer', async () => {
    const lane = local()
    const done: string[] = []
    lane.answering()()
    const patient = lane.background(never, async () => done.push('patient'), { restMs: 150 })
    const usual = lane.background(never, async () => done.push('usual'))
    await usual
    expect(done).toEqual(['usual'])
    await patient
    expect(done).toEqual(['usual', 'patient'])
  })

  test('lets a call that has waited too long go beside the answers, for good', async () => {
    const told: string[] = []
    const lane = local({ longestWaitMs: 5 })
    const end = lane.answering()
    const work = openWork('embedding', told)
    const begun = work.begins()
    const result = lane.background(never, work.work)
    await begun
    lane.answering()()
    work.finish()
    expect(await result).toBe('embedding')
    expect(work.attempts()).toBe(1)
    end()
  })

  test('hands on what the work throws, and goes on with the next', async () => {
    const lane = local()
    const broken = lane.background(never, async () => {
      throw new Error('no such model')
    })
    const next = lane.background(never, async () => 'fine')
    await expect(broken).rejects.toThrow('no such model')
    expect(await next).toBe('fine')
  })

  test('forgets a call whose caller has left, waiting or begun', async () => {
    const told: string[] = []
    const lane = local()
    const leave = new AbortController()
    const begun = openWork('begun', told)
    const results = [lane.background(leave.signal, begun.work), lane.background(leave.signal, begun.work)]
    leave.abort(new Error('left'))
    for (const result of results) await expect(result).rejects.toThrow('left')
    expect(begun.attempts()).toBe(1)
    expect(lane.stats()).toEqual({ waiting: 0, working: 0, gaveWay: 0 })
    await expect(lane.background(leave.signal, begun.work)).rejects.toThrow('left')
  })

  test('lets work do further background calls and ask without standing in its own way', async () => {
    const lane = local()
    const result = await lane.background(never, async (signal) => {
      const end = lane.answering()
      const inner = await lane.background(signal, async () => 'inner')
      end()
      signal.throwIfAborted()
      return inner
    })
    expect(result).toBe('inner')
    expect(lane.stats().gaveWay).toBe(0)
  })

  test('rejects what waits when the server closes', async () => {
    const closing = new AbortController()
    const lane = newLane({ remote: false, closing: closing.signal, pace })
    lane.answering()
    const result = lane.background(never, async () => 'never')
    closing.abort(new Error('closing'))
    await expect(result).rejects.toThrow('closing')
  })
})

describe('the way to a remote service', () => {
  test('takes two background calls at once, whoever is answered', async () => {
    const told: string[] = []
    const lane = newLane({ remote: true, closing: never, pace })
    const works = ['a', 'b', 'c'].map((name) => openWork(name, told))
    const results = works.map(({ work }) => lane.background(never, work))
    lane.answering()
    expect(lane.stats()).toMatchObject({ waiting: 1, working: 2, gaveWay: 0 })
    for (const { finish } of works) finish()
    await Promise.all(results)
    expect(told.slice(0, 2)).toEqual(['a begins', 'b begins'])
  })
})

test('two protocols of one server share its way, other servers have their own', () => {
  const lanes = lanesOf(never)
  const ollama = lanes.to({ address: 'http://127.0.0.1:11434', remote: false })
  expect(lanes.to({ address: 'http://127.0.0.1:11434/v1', remote: false })).toBe(ollama)
  expect(lanes.to({ address: 'http://127.0.0.1:9000/v1', remote: false })).not.toBe(ollama)
})
