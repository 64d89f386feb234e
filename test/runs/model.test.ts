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

/** The expected state of a run: all emitted text, the part that must survive a crash, and how it ends. */
type Model = {
  id: string
  emitted: string
  durable: string
  step: number
  ended: 'complete' | 'stopped' | 'failed' | undefined
  attempts: number
}

type Name = 'a' | 'b'
type Node = { runs: TestRuns; faults: FaultyDatabase; name: Name }
type Reading = {
  run: string
  after: number
  seen: RunEvent[]
  node: Node
  abort: AbortController
  done: Promise<void>
}

/** The system under test: nodes that crash and restart, their workers, and readers. */
class World {
  readonly runs: Model[] = []
  readonly workers = new Map<string, { node: Node; worker: TestWorker }>()
  readonly readings: Reading[] = []
  nodes: Node[] = []
  readonly #databases: Record<Name, Database>
  readonly #user: string
  readonly #dead: TestRuns[] = []

  constructor(databases: Record<Name, Database>, user: string) {
    this.#databases = databases
    this.#user = user
  }

  /** Opens two nodes on PostgreSQL and one on the embedded database. */
  async open(): Promise<void> {
    for (const name of this.#databases.a.kind === 'postgres' ? (['a', 'b'] as const) : (['a'] as const)) {
      const node = await this.#openNode(name)
      this.nodes.push(node)
    }
  }

  async #openNode(name: Name): Promise<Node> {
    const faults = createFaultyDatabase(this.#databases[name])
    return { name, faults, runs: await openRuns(faults.database, { nodeId: name, leaseMs: 60_000 }) }
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
    return model.ended ? undefined : this.workers.get(model.id)?.worker
  }

  async start(at: number): Promise<void> {
    const node = this.node(at)
    // A client without a response repeats its request with the same key.
    const idempotencyKey = `${this.runs.length} ${Math.random()}`
    const { run } = await retry(async () =>
      node.runs.start({ kind: 'test', userId: this.#user, input: {}, idempotencyKey }),
    )
    const worker = await node.runs.workers.next(run.id)
    this.workers.set(run.id, { node, worker })
    const { attempt } = worker.context.run
    this.runs.push({ id: run.id, emitted: '', durable: '', step: 0, ended: undefined, attempts: attempt })
  }

  /** Kills the process of a node, losing uncommitted events, and restarts it. */
  async crash(at: number): Promise<void> {
    const dead = this.node(at)
    await dead.faults.kill()
    this.#dead.push(dead.runs)
    const alive = await this.#openNode(dead.name)
    this.nodes = this.nodes.map((node) => (node === dead ? alive : node))
    for (const reading of this.readings) if (reading.node === dead) await this.resume(reading)
    for (const model of this.runs) {
      const previous = this.workers.get(model.id)
      if (model.ended || previous?.node !== dead) continue
      const worker = await alive.runs.workers.next(model.id)
      this.workers.set(model.id, { node: alive, worker })
      model.attempts += 1
      expect(worker.context.run.attempt).toBe(model.attempts)
      // All flushed text survives; emitted text may.
      const survived = textOf(await worker.context.events())
      expect(model.emitted.startsWith(survived)).toBe(true)
      expect(survived.startsWith(model.durable)).toBe(true)
      model.emitted = survived
      model.durable = survived
    }
  }

  read(at: number, after: number): void {
    const model = this.run(at)
    if (!model) return
    this.readings.push(this.#reading({ run: model.id, after, seen: [] }, this.node(at + after)))
  }

  #reading(of: Pick<Reading, 'run' | 'after' | 'seen'>, node: Node): Reading {
    const abort = new AbortController()
    return { ...of, node, abort, done: this.#follow(of, node, abort.signal) }
  }

  async #follow(
    { run, after, seen }: Pick<Reading, 'run' | 'after' | 'seen'>,
    node: Node,
    signal: AbortSignal,
  ) {
    try {
      for await (const events of node.runs.follow(run, seen.at(-1)?.n ?? after, signal)) seen.push(...events)
    } catch (error) {
      if (!(error instanceof Error && error.message === 'This process is dead.')) throw error
    }
  }

  /** Disconnects a reader and resumes it, possibly on another node. */
  async resume(reading: Reading): Promise<void> {
    reading.abort.abort()
    await reading.done
    this.readings[this.readings.indexOf(reading)] = this.#reading(reading, this.node(reading.seen.length))
  }

  async close(): Promise<void> {
    for (const { abort, done } of this.readings) {
      abort.abort()
      await done
    }
    for (const runs of [...this.nodes.map((node) => node.runs), ...this.#dead])
      await runs[Symbol.asyncDispose]()
    await this.#databases.a.db.deleteFrom('runs').execute()
  }
}

/** Retries while the database is unavailable. */
async function retry<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'database_away')) throw error
    }
  }
}

type Step = { name: string; at: number; amount: number }

/** Executes one step and records in the model what must be true after it. */
const steps: Record<string, (world: World, step: Step) => Promise<void> | void> = {
  start: async (world, { at }) => {
    if (world.runs.length < 6) await world.start(at)
  },
  emit: async (world, { at, amount }) => {
    const model = world.run(at)
    const worker = model && world.worker(model)
    for (let i = 0; worker && i < amount; i++) {
      model.step += 1
      const token = `${model.step} `
      model.emitted += token
      await worker.context.emit({ token })
    }
  },
  flush: async (world, { at }) => {
    const model = world.run(at)
    const worker = model && world.worker(model)
    if (!worker) return
    await worker.context.flush()
    model.durable = model.emitted
  },
  commit: async (world, { at }) => {
    const model = world.run(at)
    const worker = model && world.worker(model)
    if (!worker) return
    await worker.context.commit({ marker: model.step }, async () => {})
    model.durable = model.emitted
  },
  complete: async (world, { at }) =>
    end(world, at, 'complete', (worker, { emitted }) => worker.complete({ event: 'complete' }, emitted)),
  fail: async (world, { at }) => end(world, at, 'failed', (worker) => worker.fail(new Error('as planned'))),
  stop: async (world, { at, amount }) =>
    end(world, at, 'stopped', async (_worker, { id }) => retry(async () => world.node(amount).runs.stop(id))),
  crash: async (world, { at }) => world.crash(at),
  loseNext: (world, { at }) => world.node(at).faults.loseNext(),
  loseNextResponse: (world, { at }) => world.node(at).faults.loseNextResponse(),
  read: (world, { at, amount }) => world.read(at, amount % 2 === 0 ? 0 : amount),
  resume: async (world, { at }) => {
    const reading = world.readings[at % Math.max(world.readings.length, 1)]
    if (reading) await world.resume(reading)
  },
  abort: async (world, { at }) => {
    const [reading] = world.readings.splice(at % Math.max(world.readings.length, 1), 1)
    reading?.abort.abort()
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
  const { runs } = world.node(at)
  await readAll(runs, model.id)
  model.ended = status
  model.durable = model.emitted
}

const oneStep = fc.record({
  name: fc.oneof(
    { weight: 8, arbitrary: fc.constant('emit') },
    { weight: 4, arbitrary: fc.constantFrom('start', 'flush', 'read', 'resume') },
    { weight: 1, arbitrary: fc.constantFrom('commit', 'complete', 'fail', 'stop', 'abort') },
    { weight: 2, arbitrary: fc.constantFrom('crash', 'loseNext', 'loseNextResponse') },
  ),
  at: fc.nat(20),
  amount: fc.nat(12),
})

const marks: Record<string, unknown> = { complete: { event: 'complete' }, stopped: { event: 'stopped' } }

describe.each(DATABASES)('random operations on %s', (kind) => {
  let cluster: TestCluster
  let user: string
  let databases: Record<Name, Database>
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    databases = { a: cluster.database, b: await cluster.another() }
  })
  afterAll(async () => cluster.close())

  test('leave every log complete and equal for every reader, and store every result once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(oneStep, { minLength: 5, maxLength: 60 }), async (program) => {
        const world = new World(databases, user)
        await world.open()
        try {
          await world.start(0)
          world.read(0, 0)
          for (const step of program) await steps[step.name]?.(world, step)
          for (const at of world.runs.keys())
            await steps['complete']?.(world, { name: 'complete', at, amount: 0 })
          await check(world)
        } finally {
          await world.close()
        }
      }),
      { numRuns: 60, timeout: 60_000 },
    )
  }, 120_000)

  async function check(world: World): Promise<void> {
    for (const model of world.runs) {
      const log = await readLog(cluster.database, model.id)
      expect(log.map(({ n }) => n)).toEqual(log.map((_, index) => index + 1))
      expect(textOf(log)).toBe(model.emitted)
      const events = parse(log)
      expect(events.filter(({ event }) => event === 'resumed').map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: model.attempts - 1 }, (_, index) => index + 2),
      )
      const status = model.ended ?? ''
      expect(events.at(-1)).toMatchObject(marks[status] ?? { error: { code: 'internal' } })
      expect(await retry(async () => world.node(0).runs.get(model.id))).toMatchObject({
        status,
        lastEvent: log.length,
      })
      expect(await listResults(cluster.database, model.id)).toEqual([model.emitted])
    }
    for (const { run, after, seen, done } of world.readings) {
      await done
      const log = await readLog(cluster.database, run)
      expect(seen).toEqual(log.slice(after))
    }
  }
})
