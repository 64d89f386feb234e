import { setTimeout as pause } from 'node:timers/promises'
import { onTestFailed } from 'vitest'
import { client, type NodeProcess, type Seen } from './cluster.ts'
import type { Work } from './node.ts'
import { random } from './tokens.ts'

const given = process.env['FAULTS_SEED']

/** A source of chance that says, when the test fails, how to repeat it. */
export function chance(): () => number {
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
  onTestFailed(() => console.log(`Repeat with FAULTS_SEED=${seed}`))
  return random(seed)
}

/** Many people who begin runs and read them, some one another's, some twice, until all have seen the end. */
export async function crowd(
  nodes: NodeProcess[],
  next: () => number,
  { runs, spreadMs }: { runs: number; spreadMs: number },
): Promise<{ works: Map<string, Work>; seen: Seen[] }> {
  const works = new Map<string, Work>()
  const seen = await Promise.all(
    Array.from({ length: runs }, async (_, index) => {
      const own = random(Math.floor(next() * 2 ** 31))
      const people = client(nodes, own)
      const work: Work = {
        kind: index % 4 === 3 ? 'steps' : 'answer',
        seed: Math.floor(own() * 1000),
        count: 10 + Math.floor(own() * 60),
        everyMs: Math.floor(own() * 12),
      }
      await pause(own() * spreadMs)
      const first = await people.begin(work)
      works.set(first.run, work)
      return [first, await people.read(first.run)]
    }),
  )
  return { works, seen: seen.flat() }
}
