import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DATABASES, withAdminClient } from '../databases.ts'
import { check, client, type NodeProcess, openCluster, type Seen } from './cluster.ts'
import { chance, crowd } from './crowd.ts'
import type { Work } from './node.ts'

if (DATABASES.includes('postgres'))
  describe('two servers on one PostgreSQL', () => {
    /** Servers that die, stop for longer than their lease, lose their connections, and are asked to end. */
    async function misfortune(
      nodes: NodeProcess[],
      database: string,
      next: () => number,
      isOver: () => boolean,
    ) {
      const told: string[] = []
      for (let round = 0; round < 14 && !isOver(); round++) {
        await pause(200 + next() * 400)
        const node = nodes[Math.floor(next() * nodes.length)]
        const fate = ['kill', 'freeze', 'cut', 'end'][round % 4] ?? ''
        told.push(fate)
        if (fate === 'cut')
          await withAdminClient(async (admin) =>
            admin.query(
              'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and random() < 0.5',
              [database],
            ),
          )
        else if (fate === 'freeze') {
          node?.freeze()
          await pause(1200)
          node?.thaw()
        } else {
          if (fate === 'kill') await node?.kill()
          else expect(await node?.end()).toBe(0)
          await node?.start()
        }
      }
      return told
    }

    test('deliver every answer completely and store it once, whichever of them dies', async () => {
      const next = chance()
      await using cluster = await openCluster('postgres', ['one', 'two'], 600)
      await Promise.all(cluster.nodes.map(async (node) => node.start()))
      const database = new URL(cluster.place.url ?? '').pathname.slice(1)
      let over = false
      const [{ works, seen }, told] = await Promise.all([
        crowd(cluster.nodes, next, { runs: 160, spreadMs: 9000 }).finally(() => {
          over = true
        }),
        misfortune(cluster.nodes, database, next, () => over),
      ])
      for (const node of cluster.nodes) expect(await node.end()).toBe(0)
      const { attempts } = await check(cluster.place, works, seen)
      expect(attempts, 'some runs were taken up').toBeGreaterThan(works.size)
      expect(new Set(told)).toEqual(new Set(['kill', 'freeze', 'cut', 'end']))
    }, 120_000)

    test('stop a run from the other server, even when its own is dead', async () => {
      const next = chance()
      await using cluster = await openCluster('postgres', ['one', 'two'], 600)
      await Promise.all(cluster.nodes.map(async (node) => node.start()))
      const [one, two] = cluster.nodes
      if (!one || !two) throw new Error('two nodes')
      const works = new Map<string, Work>()
      const seen: Promise<Seen>[] = []
      for (let i = 0; i < 20; i++) {
        const work: Work = { kind: 'answer', seed: i, count: 100_000, everyMs: 3 }
        const response = await fetch(`${one.url}/begin`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': `${i}` },
          body: JSON.stringify(work),
        })
        const run = response.headers.get('x-run-id') ?? ''
        await response.body?.cancel()
        works.set(run, work)
        seen.push(client([two], next).read(run))
      }
      const stop = client([two], next).stop
      const ids = [...works.keys()]
      await Promise.all(ids.slice(0, 10).map(stop))
      const stopping = Promise.all(ids.slice(10).map(stop))
      await one.kill()
      await stopping
      const all = await Promise.all(seen)
      await two.end()
      await check(cluster.place, works, all)
    }, 60_000)
  })
