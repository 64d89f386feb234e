import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DATABASES } from '../databases.ts'
import { openCluster, verify } from './cluster.ts'
import { createRandom, runClients } from './crowd.ts'

describe('a server that is killed repeatedly', () => {
  test('embedded: delivers every answer completely and stores it once', async () => {
    const next = createRandom()
    await using cluster = await openCluster('embedded', ['only'], 4000)
    const [node] = cluster.nodes
    await node?.start()
    let isOver = false
    const [{ works, seen }] = await Promise.all([
      runClients(cluster.nodes, next, { runs: 40, spreadMs: 2000 }).finally(() => {
        isOver = true
      }),
      (async () => {
        for (let kills = 0; kills < 3 && !isOver; kills++) {
          await pause(300 + next() * 900)
          await node?.kill()
          await node?.start()
        }
      })(),
    ])
    await node?.kill()
    const { attempts } = await verify(cluster.source, works, seen)
    expect(attempts, 'some runs were taken over').toBeGreaterThan(works.size)
  }, 120_000)

  test.each(DATABASES)(
    '%s: recovers from a kill before and after any statement',
    async (kind) => {
      const next = createRandom()
      await using cluster = await openCluster(kind, ['only'], 4000)
      const [node] = cluster.nodes
      let isOver = false
      const clients = runClients(cluster.nodes, next, { runs: 12, spreadMs: 200 }).finally(() => {
        isOver = true
      })
      for (let start = 0; start < 5; start++) {
        // The first statements after a start are those of the recovery.
        const statement = Math.floor(next() ** 2 * 60)
        await node?.start({ statement, when: start % 2 === 0 ? 'before' : 'after' })
        await Promise.race([node?.ended(), clients])
        if (isOver) break
      }
      if (!isOver) await node?.start()
      const { works, seen } = await clients
      await node?.kill()
      await verify(cluster.source, works, seen)
    },
    120_000,
  )
})
