import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Layer, layers } from '../../contract/layers.ts'
import {
  insertVectors,
  listPassagesWithoutVector,
  searchVectors,
} from '../../server/knowledge/store/vectors.ts'
import { changeLayer } from '../../server/knowledge/store/versions.ts'
import type { Embedder } from '../../server/models/index.ts'
import { ONE_DATABASE } from '../databases.ts'
import { allLayers, type KnowledgeServer, openKnowledgeServer, wordEmbedder } from './server.ts'

/** Long enough that each section is a passage. */
const bees = `# Bees

The honeybee dances to tell the others where clover grows. Whoever comes home with nectar runs in a figure of eight on
the comb, and the others follow with their feelers. The longer the run, the further the meadow; its angle to the
vertical is the angle of the flight to the sun. Nobody taught them, and young bees dance badly at first, until they
have followed an older one for some days and learned to hold the line.

## Winter

In winter the colony forms a cluster. Those on the outside stand still and close their wings like tiles, those on the
inside tremble with their muscles and keep the queen as warm as a hand. Slowly they change places, so that nobody
freezes and nobody starves, and the whole ball moves upwards along the stores of honey from the first frost until the
willows bloom again and the first pollen comes home.
`
const ships = '# Ships\n\nA schooner carries two masts.\n'

describe.each(ONE_DATABASE)('documents on %s', (kind) => {
  let server: KnowledgeServer
  let ada: { aveeId: string; userId: string }
  beforeAll(async () => {
    server = await openKnowledgeServer(kind)
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    server.useEmbedder(undefined)
    ada = await server.newAvee()
  })

  test('recognizes an upload of the same bytes under any name and does not store it twice', async () => {
    const [first] = await server.ingest(ada, { 'bees.md': bees })
    const again = await server.ingest(ada, { 'bees.md': bees, 'copy.md': bees })
    expect(first).toMatchObject({ success: true, chunks: 2 })
    expect(again).toMatchObject([
      { success: true, duplicate: true, doc_id: first?.doc_id, chunks: 2 },
      { success: true, duplicate: true, doc_id: first?.doc_id, filename: 'copy.md' },
    ])
    expect(await server.knowledge.count(ada.aveeId)).toBe(1)
    expect((await server.find(ada.aveeId, 'honeybee')).hits).toHaveLength(1)
  })

  test('stores the same bytes twice in one upload as one document', async () => {
    const results = await server.ingest(ada, { 'bees.md': bees, 'also-bees.md': bees })
    expect(results.map((result) => result.duplicate ?? false)).toEqual([false, true])
    expect(await server.knowledge.count(ada.aveeId)).toBe(1)
  })

  test('keeps the original of two avees until both have deleted their document', async () => {
    const bob = await server.newAvee()
    const shared = '# Shared\n\nBoth of us have this.\n'
    const [mine] = await server.ingest(ada, { 'mine.md': shared })
    const [his] = await server.ingest(bob, { 'his.md': shared })
    expect(his?.duplicate).toBeUndefined()
    const { document, open } = await server.knowledge.file(his?.doc_id ?? '', allLayers)
    const original = `files/${document.sha256}`
    await server.knowledge.remove(mine?.doc_id ?? '')
    expect(Buffer.concat(await Array.fromAsync(open())).toString()).toBe(shared)
    expect(await server.originals()).toContain(original)
    await server.knowledge.remove(his?.doc_id ?? '')
    expect(await server.originals()).not.toContain(original)
  })

  test('replaces an upload of the same name and keeps its id and layer', async () => {
    const [first] = await server.ingest({ ...ada, layer: 'friends' }, { 'note.md': bees })
    const [second] = await server.ingest(ada, { 'note.md': ships })
    expect(second).toMatchObject({ success: true, replaced: true, doc_id: first?.doc_id })
    const { documents } = await server.knowledge.list(ada.aveeId, allLayers, { limit: 10 })
    expect(documents).toMatchObject([{ id: first?.doc_id, title: 'Ships', layer: 'friends', passages: 1 }])
    expect((await server.find(ada.aveeId, 'schooner')).hits).toMatchObject([{ layer: 'friends' }])
    expect((await server.find(ada.aveeId, 'honeybee clover')).hits).toEqual([])
    expect(await server.knowledge.text(first?.doc_id ?? '', allLayers)).toEqual([{ page: 1, text: ships }])
  })

  test('returns passages as exact parts of their page, with their neighbours', async () => {
    const [result] = await server.ingest(ada, { 'bees.md': bees })
    const [page] = await server.knowledge.text(result?.doc_id ?? '', allLayers)
    const { hits } = await server.find(ada.aveeId, 'colony in winter')
    for (const hit of hits) expect(page?.text.slice(hit.start, hit.end)).toBe(hit.text)
    const { passage, before, after } = await server.knowledge.passage(result?.doc_id ?? '', allLayers, 2)
    expect(passage).toMatchObject({ n: 2, page: null, heading: 'Bees › Winter' })
    expect(before + passage.text + after).toBe(bees)
    await expect(server.knowledge.passage(result?.doc_id ?? '', allLayers, 3)).rejects.toMatchObject({
      status: 404,
    })
  })

  test('stores text with null characters and lone surrogates', async () => {
    const odd = 'null \u0000 and half a pair \ud800, then 龍 and 😀 sleep.'
    const [result] = await server.ingest(ada, { 'odd.txt': odd })
    expect(result).toMatchObject({ success: true })
    const { hits } = await server.find(ada.aveeId, 'sleep')
    const [page] = await server.knowledge.text(result?.doc_id ?? '', allLayers)
    expect(page?.text.slice(hits[0]?.start, hits[0]?.end)).toBe(hits[0]?.text)
    expect(hits[0]?.text).toContain('龍 and 😀 sleep.')
  })

  test('moves a document to another layer with its terms and document frequencies', async () => {
    server.useEmbedder(wordEmbedder('test/words'))
    const [result] = await server.ingest({ ...ada, layer: 'public' }, { 'bees.md': bees })
    const id = result?.doc_id ?? ''
    const moved = await server.knowledge.updateDocument(id, { layer: 'intimate' })
    expect(moved).toMatchObject({ layer: 'intimate', embedded: true })
    expect(await server.find(ada.aveeId, 'honeybee', ['public', 'friends'])).toEqual({
      hits: [],
      answerable: 'no',
    })
    expect((await server.find(ada.aveeId, 'honeybee')).hits).toMatchObject([{ layer: 'intimate' }, {}])
    const { db } = server.database
    for (const table of ['passages', 'passage_terms'] as const) {
      const rows = await db
        .selectFrom(table)
        .select('layer')
        .distinct()
        .where('avee_id', '=', ada.aveeId)
        .execute()
      expect(rows, table).toEqual([{ layer: 'intimate' }])
    }
    await server.knowledge.updateDocument(id, { layer: 'public' })
    expect((await server.find(ada.aveeId, 'honeybee', ['public'])).hits[0]).toMatchObject({ layer: 'public' })
  })

  // The embedded database runs one transaction at a time.
  if (kind === 'postgres') {
    test('applies a layer change to vectors that are inserted concurrently', async () => {
      const { db } = server.database
      const { aveeId } = ada
      const [result] = await server.ingest({ ...ada, layer: 'public' }, { 'bees.md': bees })
      const document = await server.knowledge.get(result?.doc_id ?? '', allLayers)
      const { id, version } = document
      const vector = new Float32Array([1, 0])
      await server.database.transaction(async (trx) => {
        await changeLayer(trx, { id, aveeId, version, from: 'public', to: 'intimate' })
        const passages = await listPassagesWithoutVector(db, version, 'test/race', 10)
        await insertVectors(
          db,
          'test/race',
          passages.map((passage) => ({ passageId: passage.id, vector })),
        )
      })
      const nearest = (seen: Layer[]) =>
        searchVectors(
          server.database,
          { aveeId, layers: seen },
          { space: 'test/race', vector, limit: 10, own: 2, all: -1 },
        )
      expect(await nearest(['public', 'friends'])).toEqual([])
      expect(await nearest(['intimate'])).toMatchObject([{ layer: 'intimate' }, { layer: 'intimate' }])
    })
  }

  test('shows a new title at once and finds the document by it later', async () => {
    const [result] = await server.ingest(ada, { 'bees.md': bees })
    const id = result?.doc_id ?? ''
    await server.knowledge.updateDocument(id, { title: 'Apiculture for beginners' })
    expect(await server.knowledge.get(id, allLayers)).toMatchObject({ title: 'Apiculture for beginners' })
    await server.jobs.idle(['knowledge.reindex'])
    expect((await server.find(ada.aveeId, 'apiculture')).hits).toMatchObject([
      { documentId: id },
      { documentId: id },
    ])
    expect((await server.find(ada.aveeId, 'honeybee')).hits).toHaveLength(1)
  })

  test('leaves no row, document frequency, vector or file after deleting everything', async () => {
    const other = await openKnowledgeServer(kind)
    other.useEmbedder(wordEmbedder('test/words'))
    const eve = await other.newAvee()
    await other.ingest(eve, { 'bees.md': bees, 'ships.md': ships })
    await other.ingest(eve, { 'ships.md': `${ships}\nAnd a bowsprit.\n` })
    await other.ingest({ ...eve, layer: 'friends' }, { 'more.md': '# More\n\nA brig.\n' })
    const [first] = (await other.knowledge.list(eve.aveeId, allLayers, { limit: 10 })).documents
    await other.knowledge.updateDocument(first?.id ?? '', { layer: 'intimate' })
    await other.knowledge.remove(first?.id ?? '')
    expect((await other.knowledge.deleteAll(eve.userId, eve.aveeId, true)).documents).toBe(2)
    expect(Object.values(await other.rows())).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(await other.originals()).toEqual([])
    await other[Symbol.asyncDispose]()
  })

  test('purges the documents and files of a deleted account', async () => {
    const other = await openKnowledgeServer(kind)
    const eve = await other.newAvee()
    await other.ingest(eve, { 'bees.md': bees })
    await other.database.db.deleteFrom('users').where('id', '=', eve.userId).execute()
    expect(Object.values(await other.rows())).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(await other.originals()).toEqual([])
    await other[Symbol.asyncDispose]()
  })

  test('embeds existing documents when a model becomes available, and again when it changes', async () => {
    const [result] = await server.ingest(ada, { 'bees.md': bees })
    const id = result?.doc_id ?? ''
    expect(await server.knowledge.get(id, allLayers)).toMatchObject({ embedded: false })
    for (const space of ['test/first', 'test/second']) {
      server.useEmbedder(wordEmbedder(space))
      expect(await server.knowledge.get(id, allLayers)).toMatchObject({ embedded: false })
      await server.knowledge.embedMissing()
      const [run] = await server.runs.list(ada.userId, { limit: 1 })
      expect(run).toMatchObject({ kind: 'index' })
      await Array.fromAsync(server.runs.follow(run?.id ?? '', 0, server.signal))
      expect(await server.knowledge.get(id, allLayers)).toMatchObject({ embedded: true })
      const vectors = await server.database.db
        .selectFrom('passage_vectors')
        .select('model')
        .where('avee_id', '=', ada.aveeId)
        .execute()
      expect(vectors).toEqual([{ model: space }, { model: space }])
    }
  })

  test('searches the vectors of the previous model until documents are embedded with the new one', async () => {
    const eve = await server.newAvee()
    /** Embeds two synonyms alike; passages only once `mayEmbed` has resolved. */
    const synonyms = (space: string, mayEmbed: Promise<unknown>): Embedder => ({
      space,
      remote: false,
      embed: async (texts, purpose) => {
        if (purpose !== 'query') await mayEmbed
        return texts.map((text) => new Float32Array(/honeybee|apiary/i.test(text) ? [1, 0] : [0, 1]))
      },
    })
    server.useEmbedder(synonyms('test/previous', Promise.resolve()))
    await server.ingest(eve, { 'bees.md': bees, 'mill.md': 'The mill grinds rye.' })
    const asks = async () => (await server.find(eve.aveeId, 'apiary')).hits[0]?.text
    expect(await asks()).toContain('honeybee')

    const released = Promise.withResolvers<void>()
    server.useEmbedder(synonyms('test/current', released.promise))
    await server.knowledge.embedMissing()
    const run = (await server.runs.list(eve.userId, { limit: 10 })).find(({ kind }) => kind === 'index')
    expect(run?.status).toBe('running')
    expect(await asks()).toContain('honeybee')
    released.resolve()
    await Array.fromAsync(server.runs.follow(run?.id ?? '', 0, server.signal))
    expect(await asks()).toContain('honeybee')
    server.useEmbedder(undefined)
  })

  test('finds documents by their terms when embedding fails', async () => {
    server.useEmbedder({
      space: 'test/broken',
      remote: false,
      embed: async () => {
        throw new Error('The model is unavailable.')
      },
    })
    const [result] = await server.ingest(ada, { 'bees.md': bees })
    expect(result).toMatchObject({ success: true, chunks: 2 })
    expect((await server.find(ada.aveeId, 'honeybee')).hits[0]?.text).toContain('honeybee')
    expect(await server.knowledge.get(result?.doc_id ?? '', allLayers)).toMatchObject({ embedded: false })
  })

  test('reveals nothing of layers above the viewer’s in any function', async () => {
    const ids = new Map<string, string>()
    for (const layer of layers) {
      const canary = `canary${layer}`
      const [result] = await server.ingest(
        { ...ada, layer },
        { [`${layer}.md`]: `# About ${canary}\n\nThe ${canary} sings at dusk, as every bird does.\n` },
      )
      ids.set(layer, result?.doc_id ?? '')
    }
    for (const [index] of layers.entries()) {
      const seen = layers.slice(0, index + 1)
      const hidden = layers.slice(index + 1)
      const { knowledge } = server
      const { aveeId } = ada
      const traces = [
        await knowledge.list(aveeId, seen, { limit: 10 }),
        await knowledge.stats(aveeId, seen),
        await knowledge.contextPassages({
          aveeId,
          layers: seen,
          query: 'which bird sings at dusk',
          words: 1_000,
          signal: server.signal,
        }),
        await knowledge.searchText(aveeId, seen, 'sings', 10),
        await server.find(aveeId, 'canarypublic canaryfriends canaryintimate sings', seen),
      ]
      for (const layer of hidden) {
        expect(JSON.stringify(traces)).not.toContain(`canary${layer}`)
        expect(await server.find(aveeId, `canary${layer}`, seen)).toEqual({ hits: [], answerable: 'no' })
        // A misspelled term is not corrected to one of a higher layer.
        expect((await server.find(aveeId, `canary${layer.slice(0, -1)}x`, seen)).hits).toEqual([])
        const id = ids.get(layer) ?? ''
        for (const attempt of [
          () => knowledge.get(id, seen),
          () => knowledge.text(id, seen),
          () => knowledge.file(id, seen),
          () => knowledge.passage(id, seen, 1),
        ])
          await expect(attempt()).rejects.toMatchObject({ status: 404, code: 'document_not_found' })
      }
      expect(await knowledge.count(aveeId, seen)).toBe(seen.length)
      expect(traces[1]).toMatchObject({ documents: seen.length, passages: seen.length })
    }
  })
})
