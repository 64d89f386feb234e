import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DATABASES, withAdminClient } from '../databases.ts'
import { createClient, type NodeProcess, openCluster, type Seen, verify } from './cluster.ts'
import { createRandom, runClients } from './crowd.ts'
import type { Work } from './node.ts'

if (DATABASES.includes('postgres'))
  describe('two servers on one PostgreSQL', () => {
    /** Kills servers, pauses them for longer than their lease, breaks their connections, and stops them. */
    async function injectFaults(
      nodes: NodeProcess[],
      database: string,
      next: () => number,
      isOver: () => boolean,
    ) {
      const faults: string[] = []
      for (let round = 0; round < 14 && !isOver(); round++) {
        await pause(200 + next() * 400)
        const node = nodes[Math.floor(next() * nodes.length)]
        const fault = ['kill', 'freeze', 'cut', 'end'][round % 4] ?? ''
        faults.push(fault)
        if (fault === 'cut')
          await withAdminClient(async (admin) =>
            admin.query(
              'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and random() < 0.5',
              [database],
            ),
          )
        else if (fault === 'freeze') {
          node?.freeze()
          await pause(1200)
          node?.thaw()
        } else {
          if (fault === 'kill') await node?.kill()
          else expect(await node?.end()).toBe(0)
          await node?.start()
        }
      }
      return faults
    }

    test('deliver every answer completely and store it once, whichever server dies', async () => {
      const next = createRandom()
      await using cluster = await openCluster('postgres', ['one', 'two'], 600)
      await Promise.all(cluster.nodes.map(async (node) => node.start()))
      const database = new URL(cluster.source.url ?? '').pathname.slice(1)
      let isOver = false
      const [{ works, seen }, faults] = await Promise.all([
        runClients(cluster.nodes, next, { runs: 160, spreadMs: 9000 }).finally(() => {
          isOver = true
        }),
        injectFaults(cluster.nodes, database, next, () => isOver),
      ])
      for (const node of cluster.nodes) expect(await node.end()).toBe(0)
      const { attempts } = await verify(cluster.source, works, seen)
      expect(attempts, 'some runs were taken over').toBeGreaterThan(works.size)
      expect(new Set(faults)).toEqual(new Set(['kill', 'freeze', 'cut', 'end']))
    }, 120_000)

    test('stop a run from the other server, even when its own is dead', async () => {
      const next = createRandom()
      await using cluster = await openCluster('postgres', ['one', 'two'], 600)
      await Promise.all(cluster.nodes.map(async (node) => node.start()))
      const [one, two] = cluster.nodes
      if (!one || !two) throw new Error('The cluster has fewer than two nodes.')
      const works = new Map<string, Work>()
      const seen: Promise<Seen>[] = []
      for (let i = 0; i < 20; i++) {
        const work: Work = { kind: 'answer', seed: i, count: 100_000, everyMs: 3 }
        const response = await fetch(`${one.url}/start`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': `${i}` },
          body: JSON.stringify(work),
        })
        const run = response.headers.get('x-run-id') ?? ''
        await response.body?.cancel()
        works.set(run, work)
        seen.push(createClient([two], next).read(run))
      }
      const stop = createClient([two], next).stop
      const ids = [...works.keys()]
      await Promise.all(ids.slice(0, 10).map(stop))
      const stopping = Promise.all(ids.slice(10).map(stop))
      await one.kill()
      await stopping
      const all = await Promise.all(seen)
      await two.end()
      await verify(cluster.source, works, all)
    })
  })
