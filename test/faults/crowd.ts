import { setTimeout as pause } from 'node:timers/promises'
import { onTestFailed } from 'vitest'
import { createClient, type NodeProcess, type Seen } from './cluster.ts'
import type { Work } from './node.ts'
import { random } from './tokens.ts'

const givenSeed = process.env['FAULTS_SEED']

/** Returns a random number generator; a failing test prints the seed that repeats it. */
export function createRandom(): () => number {
  const seed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
  onTestFailed(() => console.log(`Repeat with FAULTS_SEED=${seed}`))
  return random(seed)
}

/** Starts runs with many clients and reads each twice, until all clients have read the last event. */
export async function runClients(
  nodes: NodeProcess[],
  next: () => number,
  { runs, spreadMs }: { runs: number; spreadMs: number },
): Promise<{ works: Map<string, Work>; seen: Seen[] }> {
  const works = new Map<string, Work>()
  const seen = await Promise.all(
    Array.from({ length: runs }, async (_, index) => {
      const own = random(Math.floor(next() * 2 ** 31))
      const client = createClient(nodes, own)
      const work: Work = {
        kind: index % 4 === 3 ? 'steps' : 'answer',
        seed: Math.floor(own() * 1000),
        count: 10 + Math.floor(own() * 60),
        everyMs: Math.floor(own() * 12),
      }
      await pause(own() * spreadMs)
      const first = await client.start(work)
      works.set(first.run, work)
      return [first, await client.read(first.run)]
    }),
  )
  return { works, seen: seen.flat() }
}
