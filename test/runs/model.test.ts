import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../server/db/index.ts'
import { AppError } from '../../server/errors.ts'
import type { RunEvent } from '../../server/runs/index.ts'
import { DATABASES } from '../databases.ts'
import { openCluster, type TestCluster } from './cluster.ts'
import { createFaultyDatabase, type FaultyDatabase } from './faulty-database.ts'
import {
  createResultsTable,
  createUser,
  listResults,
  openRuns,
  parse,
  readAll,
  readLog,
  type TestRuns,
  type TestWorker,
  textOf,
} from './runs.ts'

/** What is known of a run: all that was said to it, how much of that must have survived, and how it must end. */
type Model = {
  id: string
  said: string
  durable: string
  step: number
  ended: 'complete' | 'stopped' | 'failed' | undefined
  attempts: number
}

type Name = 'a' | 'b'
type Node = { room: TestRuns; faults: FaultyDatabase; name: Name }
type Reading = {
  run: string
  after: number
  seen: RunEvent[]
  node: Node
  leave: AbortController
  done: Promise<void>
}

/** The real thing, driven by a program: nodes that die and come back, their workers, and readers. */
class World {
  readonly runs: Model[] = []
  readonly workers = new Map<string, { node: Node; puppet: TestWorker }>()
  readonly readings: Reading[] = []
  nodes: Node[] = []
  readonly #databases: Record<Name, Database>
  readonly #user: string
  readonly #graves: TestRuns[] = []

  constructor(databases: Record<Name, Database>, user: string) {
    this.#databases = databases
    this.#user = user
  }

  /** Several nodes where the store lets several in. */
  async open(): Promise<void> {
    for (const name of this.#databases.a.kind === 'postgres' ? (['a', 'b'] as const) : (['a'] as const)) {
      const node = await this.#openNode(name)
      this.nodes.push(node)
    }
  }

  async #openNode(name: Name): Promise<Node> {
    const faults = createFaultyDatabase(this.#databases[name])
    return { name, faults, room: await openRuns(faults.database, { nodeId: name, leaseMs: 60_000 }) }
  }

  node(at: number): Node {
    const node = this.nodes[at % this.nodes.length]
    if (!node) throw new Error('no node')
    return node
  }

  run(at: number): Model | undefined {
    return this.runs[at % Math.max(this.runs.length, 1)]
  }

  worker(model: Model): TestWorker | undefined {
    return model.ended ? undefined : this.workers.get(model.id)?.puppet
  }

  async start(at: number): Promise<void> {
    const node = this.node(at)
    // A client that hears nothing of its request sends it again, with the same key.
    const idempotencyKey = `${this.runs.length} ${Math.random()}`
    const { run } = await persevere(async () =>
      node.room.start({ kind: 'puppet', userId: this.#user, input: {}, idempotencyKey }),
    )
    const puppet = await node.room.workers.next(run.id)
    this.workers.set(run.id, { node, puppet })
    const { attempt } = puppet.context.run
    this.runs.push({ id: run.id, said: '', durable: '', step: 0, ended: undefined, attempts: attempt })
  }

  /** The process of a node dies, with what its workers said and was not yet stored, and starts again. */
  async crash(at: number): Promise<void> {
    const dead = this.node(at)
    dead.faults.kill()
    this.#graves.push(dead.room)
    const alive = await this.#openNode(dead.name)
    this.nodes = this.nodes.map((node) => (node === dead ? alive : node))
    for (const reading of this.readings) if (reading.node === dead) await this.rejoin(reading)
    for (const model of this.runs) {
      const worker = this.workers.get(model.id)
      if (model.ended || worker?.node !== dead) continue
      const puppet = await alive.room.workers.next(model.id)
      this.workers.set(model.id, { node: alive, puppet })
      model.attempts += 1
      expect(puppet.context.run.attempt).toBe(model.attempts)
      // What was flushed is there, what was said may be, and nothing else.
      const survived = textOf(await puppet.context.events())
      expect(model.said.startsWith(survived)).toBe(true)
      expect(survived.startsWith(model.durable)).toBe(true)
      model.said = survived
      model.durable = survived
    }
  }

  read(at: number, after: number): void {
    const model = this.run(at)
    if (!model) return
    this.readings.push(this.#reading({ run: model.id, after, seen: [] }, this.node(at + after)))
  }

  #reading(of: Pick<Reading, 'run' | 'after' | 'seen'>, node: Node): Reading {
    const leave = new AbortController()
    return { ...of, node, leave, done: this.#follow(of, node, leave.signal) }
  }

  async #follow(
    { run, after, seen }: Pick<Reading, 'run' | 'after' | 'seen'>,
    node: Node,
    signal: AbortSignal,
  ) {
    try {
      for await (const events of node.room.follow(run, seen.at(-1)?.n ?? after, signal)) seen.push(...events)
    } catch (error) {
      if (!(error instanceof Error && error.message === 'This process is dead.')) throw error
    }
  }

  /** A reader loses its connection and comes back, perhaps to another node, where it was. */
  async rejoin(reading: Reading): Promise<void> {
    reading.leave.abort()
    await reading.done
    this.readings[this.readings.indexOf(reading)] = this.#reading(reading, this.node(reading.seen.length))
  }

  async close(): Promise<void> {
    for (const { leave, done } of this.readings) {
      leave.abort()
      await done
    }
    for (const room of [...this.nodes.map((node) => node.room), ...this.#graves])
      await room[Symbol.asyncDispose]()
    await this.#databases.a.db.deleteFrom('runs').execute()
  }
}

/** Asks again while the database is away. */
async function persevere<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'database_away')) throw error
    }
  }
}

type Step = { name: string; at: number; much: number }

/** Carries out one step on the real thing, and notes in the model what must be true after it. */
const steps: Record<string, (world: World, step: Step) => Promise<void> | void> = {
  start: async (world, { at }) => {
    if (world.runs.length < 6) await world.start(at)
  },
  say: async (world, { at, much }) => {
    const model = world.run(at)
    const worker = model && world.worker(model)
    for (let i = 0; worker && i < much; i++) {
      model.step += 1
      const token = `${model.step} `
      model.said += token
      await worker.context.emit({ token })
    }
  },
  flush: async (world, { at }) => {
    const model = world.run(at)
    const worker = model && world.worker(model)
    if (!worker) return
    await worker.context.flush()
    model.durable = model.said
  },
  commit: async (world, { at }) => {
    const model = world.run(at)
    const worker = model && world.worker(model)
    if (!worker) return
    await worker.context.commit({ marker: model.step }, async () => {})
    model.durable = model.said
  },
  complete: async (world, { at }) =>
    end(world, at, 'complete', (worker, { said }) => worker.complete({ event: 'complete' }, said)),
  fail: async (world, { at }) => end(world, at, 'failed', (worker) => worker.fail(new Error('as planned'))),
  stop: async (world, { at, much }) =>
    end(world, at, 'stopped', async (_worker, { id }) =>
      persevere(async () => world.node(much).room.stop(id)),
    ),
  crash: async (world, { at }) => world.crash(at),
  loseNext: (world, { at }) => world.node(at).faults.loseNext(),
  loseNextAnswer: (world, { at }) => world.node(at).faults.loseNextAnswer(),
  read: (world, { at, much }) => world.read(at, much % 2 === 0 ? 0 : much),
  rejoin: async (world, { at }) => {
    const reading = world.readings[at % Math.max(world.readings.length, 1)]
    if (reading) await world.rejoin(reading)
  },
  leave: async (world, { at }) => {
    const [reading] = world.readings.splice(at % Math.max(world.readings.length, 1), 1)
    reading?.leave.abort()
    await reading?.done
  },
}

async function end(
  world: World,
  at: number,
  status: NonNullable<Model['ended']>,
  how: (worker: TestWorker, model: Model) => unknown,
): Promise<void> {
  const model = world.run(at)
  const worker = model && world.worker(model)
  if (!worker) return
  await how(worker, model)
  const { room } = world.node(at)
  await readAll(room, model.id)
  model.ended = status
  model.durable = model.said
}

const oneStep = fc.record({
  name: fc.oneof(
    { weight: 8, arbitrary: fc.constant('say') },
    { weight: 4, arbitrary: fc.constantFrom('start', 'flush', 'read', 'rejoin') },
    { weight: 1, arbitrary: fc.constantFrom('commit', 'complete', 'fail', 'stop', 'leave') },
    { weight: 2, arbitrary: fc.constantFrom('crash', 'loseNext', 'loseNextAnswer') },
  ),
  at: fc.nat(20),
  much: fc.nat(12),
})

const marks: Record<string, unknown> = { complete: { event: 'complete' }, stopped: { event: 'stopped' } }

describe.each(DATABASES)('whatever happens, on %s', (kind) => {
  let store: TestCluster
  let user: string
  let databases: Record<Name, Database>
  beforeAll(async () => {
    store = await openCluster(kind)
    await createResultsTable(store.database)
    user = await createUser(store.database)
    databases = { a: store.database, b: await store.another() }
  })
  afterAll(async () => store.close())

  test('every log is whole, every reader sees the same, every result is stored once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(oneStep, { minLength: 5, maxLength: 60 }), async (program) => {
        const world = new World(databases, user)
        await world.open()
        try {
          await world.start(0)
          world.read(0, 0)
          for (const step of program) await steps[step.name]?.(world, step)
          for (const at of world.runs.keys())
            await steps['complete']?.(world, { name: 'complete', at, much: 0 })
          await check(world)
        } finally {
          await world.close()
        }
      }),
      { numRuns: 60, timeout: 10_000 },
    )
  }, 120_000)

  async function check(world: World): Promise<void> {
    for (const model of world.runs) {
      const log = await readLog(store.database, model.id)
      expect(log.map(({ n }) => n)).toEqual(log.map((_, index) => index + 1))
      expect(textOf(log)).toBe(model.said)
      const events = parse(log)
      expect(events.filter(({ event }) => event === 'resumed').map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: model.attempts - 1 }, (_, index) => index + 2),
      )
      const status = model.ended ?? ''
      expect(events.at(-1)).toMatchObject(marks[status] ?? { error: { code: 'internal' } })
      expect(await persevere(async () => world.node(0).room.get(model.id))).toMatchObject({
        status,
        lastEvent: log.length,
      })
      expect(await listResults(store.database, model.id)).toEqual([model.said])
    }
    for (const { run, after, seen, done } of world.readings) {
      await done
      const log = await readLog(store.database, run)
      expect(seen).toEqual(log.slice(after))
    }
  }
})
