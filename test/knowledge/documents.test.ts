import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Layer, layers } from '../../contract/layers.ts'
import {
  insertVectors,
  listPassagesWithoutVector,
  searchVectors,
} from '../../server/knowledge/store/vectors.ts'
import { changeLayer } from '../../server/knowledge/store/versions.ts'
import type { Embedder } from '../../server/models/index.ts'
import { DATABASES } from '../databases.ts'
import { allLayers, type KnowledgeServer, openKnowledgeServer, wordEmbedder } from './server.ts'

/** Long enough that each part is a passage of its own. */
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

describe.each(DATABASES)('documents on %s', (kind) => {
  let house: KnowledgeServer
  let ada: { aveeId: string; userId: string }
  beforeAll(async () => {
    house = await openKnowledgeServer(kind)
  })
  afterAll(async () => await house?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    house.useEmbedder(undefined)
    ada = await house.newAvee()
  })

  test('the same bytes are known again, under any name, and not stored twice', async () => {
    const [first] = await house.ingest(ada, { 'bees.md': bees })
    const again = await house.ingest(ada, { 'bees.md': bees, 'copy.md': bees })
    expect(first).toMatchObject({ success: true, chunks: 2 })
    expect(again).toMatchObject([
      { success: true, duplicate: true, doc_id: first?.doc_id, chunks: 2 },
      { success: true, duplicate: true, doc_id: first?.doc_id, filename: 'copy.md' },
    ])
    expect(await house.knowledge.count(ada.aveeId)).toBe(1)
    expect((await house.find(ada.aveeId, 'honeybee')).hits).toHaveLength(1)
  })

  test('the same bytes twice in one upload are one document', async () => {
    const results = await house.ingest(ada, { 'bees.md': bees, 'also-bees.md': bees })
    expect(results.map((result) => result.duplicate ?? false)).toEqual([false, true])
    expect(await house.knowledge.count(ada.aveeId)).toBe(1)
  })

  test('two avees have a document of the same bytes each, and losing one leaves the other its file', async () => {
    const bob = await house.newAvee()
    const shared = '# Shared\n\nBoth of us have this.\n'
    const [mine] = await house.ingest(ada, { 'mine.md': shared })
    const [his] = await house.ingest(bob, { 'his.md': shared })
    expect(his?.duplicate).toBeUndefined()
    const { document, open } = await house.knowledge.file(his?.doc_id ?? '', allLayers)
    const original = `files/${document.sha256}`
    await house.knowledge.remove(mine?.doc_id ?? '')
    expect(Buffer.concat(await Array.fromAsync(open())).toString()).toBe(shared)
    expect(await house.originals()).toContain(original)
    await house.knowledge.remove(his?.doc_id ?? '')
    expect(await house.originals()).not.toContain(original)
  })

  test('new bytes under the same name take the place of the old, in layer and id', async () => {
    const [first] = await house.ingest({ ...ada, layer: 'friends' }, { 'note.md': bees })
    const [second] = await house.ingest(ada, { 'note.md': ships })
    expect(second).toMatchObject({ success: true, replaced: true, doc_id: first?.doc_id })
    const { documents } = await house.knowledge.list(ada.aveeId, allLayers, { limit: 10 })
    expect(documents).toMatchObject([{ id: first?.doc_id, title: 'Ships', layer: 'friends', passages: 1 }])
    expect((await house.find(ada.aveeId, 'schooner')).hits).toMatchObject([{ layer: 'friends' }])
    expect((await house.find(ada.aveeId, 'honeybee clover')).hits).toEqual([])
    expect(await house.knowledge.text(first?.doc_id ?? '', allLayers)).toEqual([{ page: 1, text: ships }])
  })

  test('passages are the exact stretches of their page, with what stands around them', async () => {
    const [result] = await house.ingest(ada, { 'bees.md': bees })
    const [page] = await house.knowledge.text(result?.doc_id ?? '', allLayers)
    const { hits } = await house.find(ada.aveeId, 'colony in winter')
    for (const hit of hits) expect(page?.text.slice(hit.start, hit.end)).toBe(hit.text)
    const { passage, before, after } = await house.knowledge.passage(result?.doc_id ?? '', allLayers, 2)
    expect(passage).toMatchObject({ n: 2, page: null, heading: 'Bees › Winter' })
    expect(before + passage.text + after).toBe(bees)
    await expect(house.knowledge.passage(result?.doc_id ?? '', allLayers, 3)).rejects.toMatchObject({
      status: 404,
    })
  })

  test('a text that no database takes as it is comes out as it can be', async () => {
    const odd = 'null \u0000 and half a pair \ud800, then 龍 and 😀 sleep.'
    const [result] = await house.ingest(ada, { 'odd.txt': odd })
    expect(result).toMatchObject({ success: true })
    const { hits } = await house.find(ada.aveeId, 'sleep')
    const [page] = await house.knowledge.text(result?.doc_id ?? '', allLayers)
    expect(page?.text.slice(hits[0]?.start, hits[0]?.end)).toBe(hits[0]?.text)
    expect(hits[0]?.text).toContain('龍 and 😀 sleep.')
  })

  test('a document moves between layers with its words, its vectors and its counts', async () => {
    house.useEmbedder(wordEmbedder('test/words'))
    const [result] = await house.ingest({ ...ada, layer: 'public' }, { 'bees.md': bees })
    const id = result?.doc_id ?? ''
    const moved = await house.knowledge.updateDocument(id, { layer: 'intimate' })
    expect(moved).toMatchObject({ layer: 'intimate', embedded: true })
    expect(await house.find(ada.aveeId, 'honeybee', ['public', 'friends'])).toEqual({
      hits: [],
      answerable: 'no',
    })
    expect((await house.find(ada.aveeId, 'honeybee')).hits).toMatchObject([{ layer: 'intimate' }, {}])
    const { db } = house.database
    for (const table of ['passages', 'passage_terms'] as const) {
      const rows = await db
        .selectFrom(table)
        .select('layer')
        .distinct()
        .where('avee_id', '=', ada.aveeId)
        .execute()
      expect(rows, table).toEqual([{ layer: 'intimate' }])
    }
    await house.knowledge.updateDocument(id, { layer: 'public' })
    expect((await house.find(ada.aveeId, 'honeybee', ['public'])).hits[0]).toMatchObject({ layer: 'public' })
  })

  // The embedded database runs one transaction at a time.
  test.runIf(kind === 'postgres')('a layer change applies to vectors inserted meanwhile', async () => {
    const { db } = house.database
    const { aveeId } = ada
    const [result] = await house.ingest({ ...ada, layer: 'public' }, { 'bees.md': bees })
    const document = await house.knowledge.get(result?.doc_id ?? '', allLayers)
    const { id, version } = document
    const vector = new Float32Array([1, 0])
    await house.database.transaction(async (trx) => {
      await changeLayer(trx, { id, aveeId, version, from: 'public', to: 'intimate' })
      const passages = await listPassagesWithoutVector(db, version, 'test/race', 10)
      await insertVectors(
        db,
        'test/race',
        passages.map((passage) => ({ passageId: passage.id, vector })),
      )
    })
    const nearest = (seen: Layer[]) =>
      searchVectors(house.database, { aveeId, layers: seen }, { space: 'test/race', vector, limit: 10 })
    expect(await nearest(['public', 'friends'])).toEqual([])
    expect(await nearest(['intimate'])).toMatchObject([{ layer: 'intimate' }, { layer: 'intimate' }])
  })

  test('a new title is shown at once and then found', async () => {
    const [result] = await house.ingest(ada, { 'bees.md': bees })
    const id = result?.doc_id ?? ''
    await house.knowledge.updateDocument(id, { title: 'Apiculture for beginners' })
    expect(await house.knowledge.get(id, allLayers)).toMatchObject({ title: 'Apiculture for beginners' })
    await house.jobs.idle(['knowledge.reindex'])
    expect((await house.find(ada.aveeId, 'apiculture')).hits).toMatchObject([
      { documentId: id },
      { documentId: id },
    ])
    expect((await house.find(ada.aveeId, 'honeybee')).hits).toHaveLength(1)
  })

  test('when all is deleted nothing is left: no row, no count, no vector, no file', async () => {
    const other = await openKnowledgeServer(kind)
    other.useEmbedder(wordEmbedder('test/words'))
    const eve = await other.newAvee()
    await other.ingest(eve, { 'bees.md': bees, 'ships.md': ships })
    await other.ingest(eve, { 'ships.md': `${ships}\nAnd a bowsprit.\n` })
    await other.ingest({ ...eve, layer: 'friends' }, { 'more.md': '# More\n\nA brig.\n' })
    const [first] = (await other.knowledge.list(eve.aveeId, allLayers, { limit: 10 })).documents
    await other.knowledge.updateDocument(first?.id ?? '', { layer: 'intimate' })
    await other.knowledge.remove(first?.id ?? '')
    expect(await other.knowledge.clear(eve.aveeId)).toBe(2)
    expect(Object.values(await other.rows())).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(await other.originals()).toEqual([])
    await other[Symbol.asyncDispose]()
  })

  test('an account that goes takes its documents, and a sweep their files', async () => {
    const other = await openKnowledgeServer(kind)
    const eve = await other.newAvee()
    await other.ingest(eve, { 'bees.md': bees })
    await other.database.db.deleteFrom('users').where('id', '=', eve.userId).execute()
    expect(Object.values(await other.rows())).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(await other.originals()).toEqual([])
    await other[Symbol.asyncDispose]()
  })

  test('documents from before there was an embedding model get their vectors when one comes, and again when it changes', async () => {
    const [result] = await house.ingest(ada, { 'bees.md': bees })
    const id = result?.doc_id ?? ''
    expect(await house.knowledge.get(id, allLayers)).toMatchObject({ embedded: false })
    for (const space of ['test/first', 'test/second']) {
      house.useEmbedder(wordEmbedder(space))
      expect(await house.knowledge.get(id, allLayers)).toMatchObject({ embedded: false })
      await house.knowledge.embedMissing()
      const [run] = await house.runs.list(ada.userId, { limit: 1 })
      expect(run).toMatchObject({ kind: 'index' })
      await Array.fromAsync(house.runs.follow(run?.id ?? '', 0, house.signal))
      expect(await house.knowledge.get(id, allLayers)).toMatchObject({ embedded: true })
      const vectors = await house.database.db
        .selectFrom('passage_vectors')
        .select('model')
        .where('avee_id', '=', ada.aveeId)
        .execute()
      expect(vectors).toEqual([{ model: space }, { model: space }])
    }
  })

  test('while documents get the vectors of another model, they are found by those of the former one', async () => {
    const eve = await house.newAvee()
    /** Knows one word of each language for the same thing; until it may, it embeds no documents. */
    const synonyms = (space: string, mayEmbed: Promise<unknown>): Embedder => ({
      space,
      remote: false,
      embed: async (texts, purpose) => {
        if (purpose !== 'query') await mayEmbed
        return texts.map((text) => new Float32Array(/honeybee|apiary/i.test(text) ? [1, 0] : [0, 1]))
      },
    })
    house.useEmbedder(synonyms('test/former', Promise.resolve()))
    await house.ingest(eve, { 'bees.md': bees, 'mill.md': 'The mill grinds rye.' })
    const asks = async () => (await house.find(eve.aveeId, 'apiary')).hits[0]?.text
    expect(await asks()).toContain('honeybee')

    const released = Promise.withResolvers<void>()
    house.useEmbedder(synonyms('test/latter', released.promise))
    // The first may have waited for a look that was under way, with the former model.
    await house.knowledge.embedMissing()
    await house.knowledge.embedMissing()
    const run = (await house.runs.list(eve.userId, { limit: 10 })).find(({ kind }) => kind === 'index')
    expect(run?.status).toBe('running')
    expect(await asks()).toContain('honeybee')
    released.resolve()
    await Array.fromAsync(house.runs.follow(run?.id ?? '', 0, house.signal))
    expect(await asks()).toContain('honeybee')
    house.useEmbedder(undefined)
  })

  test('a model that fails leaves documents that are found by their words', async () => {
    house.useEmbedder({
      space: 'test/broken',
      remote: false,
      embed: async () => {
        throw new Error('the model is away')
      },
    })
    const [result] = await house.ingest(ada, { 'bees.md': bees })
    expect(result).toMatchObject({ success: true, chunks: 2 })
    expect((await house.find(ada.aveeId, 'honeybee')).hits[0]?.text).toContain('honeybee')
    expect(await house.knowledge.get(result?.doc_id ?? '', allLayers)).toMatchObject({ embedded: false })
  })

  test('nothing above a viewer’s layers shows in any function', async () => {
    const ids = new Map<string, string>()
    for (const layer of layers) {
      const canary = `canary${layer}`
      const [result] = await house.ingest(
        { ...ada, layer },
        { [`${layer}.md`]: `# About ${canary}\n\nThe ${canary} sings at dusk, as every bird does.\n` },
      )
      ids.set(layer, result?.doc_id ?? '')
    }
    for (const [index] of layers.entries()) {
      const seen = layers.slice(0, index + 1)
      const hidden = layers.slice(index + 1)
      const { knowledge } = house
      const { aveeId } = ada
      const traces = [
        await knowledge.list(aveeId, seen, { limit: 10 }),
        await knowledge.stats(aveeId, seen),
        await knowledge.contextPassages({
          aveeId,
          layers: seen,
          query: 'which bird sings at dusk',
          words: 1_000,
          signal: house.signal,
        }),
        await knowledge.searchText(aveeId, seen, 'sings', 10),
        await house.find(aveeId, 'canarypublic canaryfriends canaryintimate sings', seen),
      ]
      for (const layer of hidden) {
        expect(JSON.stringify(traces)).not.toContain(`canary${layer}`)
        expect(await house.find(aveeId, `canary${layer}`, seen)).toEqual({ hits: [], answerable: 'no' })
        // A word that is misspelt is not mended with one from above.
        expect((await house.find(aveeId, `canary${layer.slice(0, -1)}x`, seen)).hits).toEqual([])
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
