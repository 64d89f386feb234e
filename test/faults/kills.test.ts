import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DATABASES } from '../databases.ts'
import { check, openCluster } from './cluster.ts'
import { chance, crowd } from './crowd.ts'

describe('a server that is killed repeatedly', () => {
  test('embedded: delivers every answer completely and stores it once', async () => {
    const next = chance()
    await using cluster = await openCluster('embedded', ['only'], 4000)
    const [node] = cluster.nodes
    await node?.start()
    let over = false
    const [{ works, seen }] = await Promise.all([
      crowd(cluster.nodes, next, { runs: 40, spreadMs: 2000 }).finally(() => {
        over = true
      }),
      (async () => {
        for (let kills = 0; kills < 3 && !over; kills++) {
          await pause(300 + next() * 900)
          await node?.kill()
          await node?.start()
        }
      })(),
    ])
    await node?.kill()
    const { attempts } = await check(cluster.place, works, seen)
    expect(attempts, 'some runs were taken up').toBeGreaterThan(works.size)
  }, 120_000)

  test.each(DATABASES)(
    '%s: also in the middle of any statement, before and after its commit',
    async (kind) => {
      const next = chance()
      await using cluster = await openCluster(kind, ['only'], 4000)
      const [node] = cluster.nodes
      let over = false
      const people = crowd(cluster.nodes, next, { runs: 12, spreadMs: 200 }).finally(() => {
        over = true
      })
      for (let life = 0; life < 5; life++) {
        // The first statements of a life are those of the recovery.
        const statement = Math.floor(next() ** 2 * 60)
        await node?.start({ statement, when: life % 2 === 0 ? 'before' : 'after' })
        await Promise.race([node?.ended(), people])
        if (over) break
      }
      if (!over) await node?.start()
      const { works, seen } = await people
      await node?.kill()
      await check(cluster.place, works, seen)
    },
    120_000,
  )
})
