import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Layer } from '../../contract/layers.ts'
import { lexicalSearch, weightTerms } from '../../server/knowledge/search/lexical.ts'
import { type ChoosePassages, libraryPostings } from '../../server/knowledge/search/library-postings.ts'
import { termStatistics } from '../../server/knowledge/search/term-statistics.ts'
import { vectorSearch } from '../../server/knowledge/search/vector-search.ts'
import { countPassagesByLanguage } from '../../server/knowledge/store/search.ts'
import { searchVectors } from '../../server/knowledge/store/vectors.ts'
import { createLog } from '../../server/log.ts'
import { queryAnalyzer } from '../../server/search/index.ts'
import { DATABASES } from '../databases.ts'
import { allLayers, type KnowledgeServer, openKnowledgeServer, wordEmbedder } from './server.ts'

const handbook: Record<string, string> = {
  'engine.md': `# Engine manual

The Kestrel engine must be warmed up for eleven minutes before the first ascent. Its oil is changed after every
two hundred hours; use grade GPT-4o only when the ambient temperature stays below freezing for a week.`,
  'orders.csv': `order,part,price\nAB-123/45,bearing,"1,577"\nCD-900/01,gasket,36.8\n`,
  'code.ts': `export function getUserName(id: string) {\n  return lookup_table.findById(id)\n}\n`,
  'tower.md':
    '# 東京タワー\n\n東京タワーの高さは三百三十三メートルで、一九五八年に完成した。\n\n龍は出ない。\n',
  'huizhou.txt': '徽州的老房子有白墙和黑瓦，村口通常种着一棵很大的樟树。',
  'thai.txt': 'แมวสีดำนอนหลับอยู่บนหลังคาบ้านของคุณยายทุกเช้า',
  'korean.txt': '제주도의 감귤은 겨울에 수확하며 껍질이 얇고 달다.',
  'haus.md':
    '# Häuser\n\nDie Universitäten kauften mehrere Häuser in der Altstadt und richteten dort Wohnheime für die Studierenden ein.',
  'cafe.txt':
    'Le café de la gare sert un excellent déjeuner aux voyageurs qui attendent le train de nuit pour Genève.',
  'harbour.md':
    '# Harbour rules\n\nBoats longer than twelve metres berth at the northern quay. Visitors pay the harbourmaster at the yellow hut.',
  'waiting.txt': 'You wait here for an answer.',
  'assets.csv': 'item,value\n"Property, plant and equipment, net",14882\n',
  'revenue.md':
    '# Annual figures\n\nIn 2022 the cooperative had a revenue of 512 crowns from honey.\n\nIn 2023 the cooperative had a revenue of 640 crowns from honey.\n',
}

describe.each(DATABASES)('search on %s', (kind) => {
  let server: KnowledgeServer
  let aveeId: string
  beforeAll(async () => {
    server = await openKnowledgeServer(kind)
    const ada = await server.newAvee()
    aveeId = ada.aveeId
    const results = await server.ingest(ada, handbook)
    expect(results.every((result) => result.success)).toBe(true)
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  const first = async (query: string, context: string[] = []) =>
    (await server.find(aveeId, query, allLayers, context)).hits[0]?.filename

  test.each([
    ['engine.md', 'how long does the engine have to be warmed before ascending?', 'an inflected word'],
    ['engine.md', 'GPT-4o', 'an identifier as written'],
    ['engine.md', 'gpt4o', 'an identifier without its hyphen'],
    ['orders.csv', 'AB-123/45', 'an order number'],
    ['orders.csv', 'ab12345', 'an order number without separators'],
    ['orders.csv', '1577', 'a number with a thousands separator'],
    ['orders.csv', '36,8', 'a number with another decimal separator'],
    ['code.ts', 'getUserName', 'a name in camel case'],
    ['code.ts', 'user name lookup', 'the parts of names in code'],
    ['code.ts', 'lookup_table.findById', 'a dotted name'],
    ['tower.md', '東京タワーの高さ', 'Japanese'],
    ['tower.md', '龍', 'a single ideograph'],
    ['huizhou.txt', '村口的樟树', 'Chinese'],
    ['thai.txt', 'แมวบนหลังคา', 'Thai'],
    ['korean.txt', '감귤 수확', 'Korean'],
    ['haus.md', 'Welche Universität kaufte ein Haus?', 'German, inflected'],
    ['assets.csv', 'How did PPNE change?', 'an abbreviation of accounting'],
    ['cafe.txt', 'dejeuner cafe geneve', 'French without diacritics'],
    ['harbour.md', 'harbormaster harbourmastr', 'a word with a letter missing'],
    ['harbour.md', 'nothern qauy', 'letters missing and swapped'],
    ['harbour.md', 'an answer about the quay', 'its rarer word in the language, not in the documents'],
    ['haus.md', 'Universitten Wohnhiem', 'German with a letter missing and two swapped'],
    ['cafe.txt', 'voyagers exellent', 'French with letters missing'],
  ])('finds %s by "%s": %s', async (filename, query) => {
    expect(await first(query)).toBe(filename)
  })

  test('distinguishes answerable questions from others', async () => {
    const yes = [
      'How long must the Kestrel engine be warmed up?',
      'Which boats berth at the northern quay?',
      'What was the revenue of the cooperative in 2023?',
      'kestrel',
    ]
    const no = [
      'What is the capital of Mongolia?',
      'Who painted the ceiling of the chapel in Rome?',
      'How do volcanoes form?',
      'photosynthesis',
    ]
    for (const query of yes)
      expect(await server.find(aveeId, query), query).toMatchObject({ answerable: 'yes' })
    for (const query of no)
      expect(await server.find(aveeId, query), query).toMatchObject({ answerable: 'no' })
  })

  test('distinguishes answerable questions from others in other languages and scripts', async () => {
    const yes = [
      'Was kauften die Universitäten in der Altstadt?',
      'Que sert le café de la gare aux voyageurs ?',
      '東京タワーの高さは何メートルですか',
      '徽州的老房子有什么颜色的墙？',
      'แมวสีดำนอนหลับที่ไหน',
    ]
    const no = [
      'Wie entstehen Vulkane im Pazifik?',
      'Qui a peint le plafond de la chapelle ?',
      '富士山の噴火はいつでしたか',
      '北京的地铁有多少条线路？',
      'ประเทศมองโกเลียมีประชากรเท่าไร',
    ]
    for (const query of yes)
      expect(await server.find(aveeId, query), query).toMatchObject({ answerable: 'yes' })
    for (const query of no)
      expect(await server.find(aveeId, query), query).toMatchObject({ answerable: 'no' })
  })

  test('expands a follow-up question by the one before', async () => {
    const before = ['What was the revenue of the cooperative in 2022?']
    const { hits } = await server.find(aveeId, 'And in 2023?', allLayers, before)
    expect(hits[0]).toMatchObject({ filename: 'revenue.md' })
    expect(await first('How long is it warmed up?', ['Tell me about the Kestrel engine'])).toBe('engine.md')
    expect(await first('Und wie viele Häuser?', ['Was kauften die Universitäten in der Altstadt?'])).toBe(
      'haus.md',
    )
    expect(await first('では、いつ完成した？', ['東京タワーの高さは？'])).toBe('tower.md')
    expect(await first('那它种在哪里？', ['徽州的樟树有多大？'])).toBe('huizhou.txt')
    // A complete question is not expanded.
    expect(await first('Where do visitors pay the harbourmaster?', before)).toBe('harbour.md')
  })

  test('returns scores between 0 and 1 that fall with the rank', async () => {
    const { hits } = await server.find(aveeId, 'the harbour and the engine and the honey')
    const scores = hits.map((hit) => hit.score)
    expect(scores.length).toBeGreaterThan(1)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
  })

  test('accepts any query', async () => {
    for (const query of [
      '',
      ' ',
      '?!',
      '"',
      "'; drop table passages; --",
      '%',
      '\\',
      '\u0000',
      '\ud800',
      '😀',
      '((',
      'a'.repeat(5_000),
      '的'.repeat(2_000),
    ])
      expect(Array.isArray((await server.find(aveeId, query)).hits)).toBe(true)
  })

  test('returns a repeated text once', async () => {
    const eve = await server.newAvee()
    const sentence =
      'The lighthouse keeper writes down every ship that passes the cape, with its flag, its course and the weather.'
    await server.ingest(eve, {
      'one.txt': `${sentence}\n`,
      'two.txt': `${sentence} \n`,
      'three.txt': `${sentence.toUpperCase()}\n`,
      'other.txt': 'The lighthouse was painted red and white by the keeper and his daughters.\n',
    })
    const { hits } = await server.find(eve.aveeId, 'what does the lighthouse keeper write down?')
    expect(hits).toHaveLength(2)
  })

  test('ranks passages first that lexical and vector search both find', async () => {
    const eve = await server.newAvee()
    server.useEmbedder(wordEmbedder('test/words'))
    await server.ingest(eve, handbook)
    const { hits, answerable } = await server.find(eve.aveeId, 'revenue of the cooperative from honey')
    expect(hits[0]).toMatchObject({ filename: 'revenue.md' })
    expect(answerable).toBe('yes')
    server.useEmbedder(undefined)
    expect((await server.find(eve.aveeId, 'revenue of the cooperative from honey')).hits[0]?.filename).toBe(
      'revenue.md',
    )
  })

  test('finds the same with the vector index as by comparing all vectors', async () => {
    const eve = await server.newAvee()
    const embedder = wordEmbedder('test/indexed')
    server.useEmbedder(embedder)
    const word = (n: number) => `w${String.fromCodePoint(97 + (n % 25), 97 + ((n * 7) % 23))}`
    const paragraph = (n: number) => Array.from({ length: 90 }, (_, i) => word((n * i) % 97)).join(' ')
    const text = Array.from({ length: 60 }, (_, n) => paragraph(n + 1)).join('\n\n')
    await server.ingest(eve, { 'long.txt': text })
    await server.ingest({ ...eve, layer: 'intimate' }, { 'hidden.txt': paragraph(3) })
    server.useEmbedder(undefined)
    const [vector = new Float32Array()] = await embedder.embed([paragraph(3)], 'query', server.signal)
    const nearest = (own: number) =>
      searchVectors(
        server.database,
        { aveeId: eve.aveeId, layers: ['public'], filter: { type: 'txt' } },
        { space: embedder.space, vector, limit: 50, own, all: -1 },
      )
    const compared = await nearest(61)
    expect(compared).toHaveLength(50)
    expect((await nearest(50_000)).map(({ score }) => score)).toEqual(compared.map(({ score }) => score))
  })

  test('compares vectors in memory, and changes of documents are effective at once', async () => {
    const eve = await server.newAvee()
    const { aveeId } = eve
    const { db } = server.database
    const embedder = wordEmbedder('test/memory')
    server.useEmbedder(embedder)
    const word = (n: number) => `w${String.fromCodePoint(97 + (n % 25), 97 + ((n * 7) % 23))}`
    const paragraph = (n: number) => Array.from({ length: 90 }, (_, i) => word((n * i) % 97)).join(' ')
    const text = (first: number, count: number) =>
      Array.from({ length: count }, (_, n) => paragraph(first + n)).join('\n\n')
    await server.ingest(eve, { 'long.txt': text(1, 120) })
    const inMemory = vectorSearch({ database: server.database, log: createLog('silent') })
    const [vector = new Float32Array()] = await embedder.embed([paragraph(200)], 'query', server.signal)
    async function expectSameAsDatabase(layers: Layer[]) {
      const scope = { aveeId, layers }
      const [counts] = await countPassagesByLanguage(db, scope).execute()
      const query = { space: embedder.space, vector, limit: 50, own: counts?.own_vectors ?? 0, all: -1 }
      const compared = await searchVectors(server.database, scope, { ...query, own: 1 })
      const statements = vi.spyOn(pg.Client.prototype, 'query')
      const found = await inMemory(scope, { ...query, checksum: counts?.embedded_checksum ?? null })
      const texts = statements.mock.calls.map(([statement]) => JSON.stringify(statement))
      statements.mockRestore()
      expect(texts.filter((each) => each.includes('<=>'))).toHaveLength(kind === 'embedded' ? 0 : 1)
      expect(found.map(({ score }) => score)).toEqual(compared.map(({ score }) => score))
      return found.map(({ title }) => title)
    }
    expect(await expectSameAsDatabase(['public'])).toHaveLength(50)
    const [added] = await server.ingest({ ...eve, layer: 'intimate' }, { 'new.txt': text(200, 3) })
    expect(await expectSameAsDatabase(['public'])).not.toContain('new')
    expect((await expectSameAsDatabase([...allLayers]))[0]).toBe('new')
    expect(new Set(await expectSameAsDatabase(['intimate']))).toEqual(new Set(['new']))
    await server.knowledge.updateDocument(added?.doc_id ?? '', { layer: 'public' })
    expect((await expectSameAsDatabase(['public']))[0]).toBe('new')
    await server.knowledge.delete(eve.userId, added?.doc_id ?? '')
    expect(await expectSameAsDatabase(['public'])).not.toContain('new')
    server.useEmbedder(undefined)
  })

  if (kind === 'embedded')
    test('selects the same passages in memory as the database, even after documents have changed', async () => {
      const eve = await server.newAvee()
      const scope = { aveeId: eve.aveeId, layers: ['public' as const] }
      const word = (n: number) => `w${String.fromCodePoint(97 + (n % 26), 97 + ((n * 7) % 23))}`
      const text = (first: number, count: number) =>
        Array.from({ length: count }, (_, n) =>
          Array.from({ length: 60 + (((first + n) * 13) % 61) }, (_, i) =>
            word(Math.floor(89 * Math.abs(Math.sin((first + n) * 97 + i)))),
          ).join(' '),
        ).join('\n\n')
      await server.ingest(eve, { 'long.txt': text(1, 310), 'other.txt': text(400, 10) })
      const { db } = server.database
      const postingsOf = libraryPostings({ database: server.database, log: createLog('silent') })
      const statisticsOf = termStatistics(db)
      async function expectSameAsDatabase() {
        const counts = await countPassagesByLanguage(db, scope).execute()
        const passages = counts.reduce((sum, each) => sum + each.passages, 0)
        const languages = counts.map(({ language }) => language)
        const findFrequencies = statisticsOf(scope, counts)
        const analyzer = await queryAnalyzer(eve.aveeId, languages)
        const terms = await weightTerms(
          findFrequencies,
          analyzer.terms(`${word(3)} ${word(30)} ${word(61)} lighthouse`),
          passages,
        )
        const search = (choosePassages: ChoosePassages) =>
          lexicalSearch(server.database, scope, {
            terms,
            passages,
            languages,
            findFrequencies,
            choosePassages,
          })
        const chosen: (string[] | undefined)[] = []
        const found = await vi.waitFor(async () => {
          const results = await search((...query) => {
            chosen.push(postingsOf(scope, counts)(...query))
            return chosen.at(-1)
          })
          expect(chosen.at(-1)).toBeDefined()
          return results
        })
        expect(chosen[0]).toBeUndefined()
        expect(found).toHaveLength(100)
        expect(found).toEqual(await search(() => undefined))
        return found.map(({ title }) => title)
      }
      expect(await expectSameAsDatabase()).toContain('other')
      const [added] = await server.ingest(eve, { 'lighthouse.txt': `${word(3)} lighthouse` })
      expect((await expectSameAsDatabase())[0]).toBe('lighthouse')
      await server.knowledge.delete(eve.userId, added?.doc_id ?? '')
      expect(await expectSameAsDatabase()).not.toContain('lighthouse')

      // Two documents that exchange their layers change neither the counts nor the latest version.
      const [shown] = await server.ingest(eve, { 'harbour.txt': `${word(3)} harbour lighthouse` })
      const [hidden] = await server.ingest(
        { ...eve, layer: 'intimate' },
        { 'beacon.txt': `${word(3)} beacon lighthouse` },
      )
      await server.ingest(eve, { 'last.txt': word(3) })
      expect((await expectSameAsDatabase())[0]).toBe('harbour')
      await server.knowledge.updateDocument(shown?.doc_id ?? '', { layer: 'intimate' })
      await server.knowledge.updateDocument(hidden?.doc_id ?? '', { layer: 'public' })
      expect((await expectSameAsDatabase())[0]).toBe('beacon')
    })

  test('finds a document that is added while another search reads vectors, and reads them again after an error', async () => {
    const eve = await server.newAvee()
    const embedder = wordEmbedder('test/race')
    server.useEmbedder(embedder)
    const paragraph = (n: number) =>
      Array.from({ length: 90 }, (_, i) => `w${String.fromCodePoint(97 + ((n * i) % 25))}`).join(' ')
    const text = Array.from({ length: 120 }, (_, n) => paragraph(n + 1)).join('\n\n')
    await server.ingest(eve, { 'long.txt': text })
    const inMemory = vectorSearch({ database: server.database, log: createLog('silent') })
    const [vector = new Float32Array()] = await embedder.embed(['lighthouse'], 'query', server.signal)
    const scope = { aveeId: eve.aveeId, layers: [...allLayers] }
    /** Prepares a search of the current documents. */
    async function prepareSearch() {
      const [counts] = await countPassagesByLanguage(server.database.db, scope).execute()
      const [own, checksum] = [counts?.own_vectors ?? 0, counts?.embedded_checksum ?? null]
      return () => inMemory(scope, { space: embedder.space, vector, limit: 5, own, all: -1, checksum })
    }
    /** Calls `before` ahead of the next statement that reads vectors into memory; PostgreSQL has no such statement. */
    function onNextRead(before: () => Promise<void>) {
      const client: { query: (...args: unknown[]) => Promise<unknown> } = pg.Client.prototype
      const { query } = client
      const spy = vi.spyOn(client, 'query')
      spy.mockImplementation(async function (this: pg.Client, ...args: unknown[]) {
        if (JSON.stringify(args[0]).includes('embedding::text as embedding')) {
          spy.mockRestore()
          await before()
        }
        return await query.apply(this, args)
      })
      return spy
    }

    const failing = onNextRead(() => Promise.reject(new Error('the connection was lost')))
    const search = await prepareSearch()
    const failed = search()
    if (kind === 'embedded') await expect(failed).rejects.toThrow()
    else await failed
    failing.mockRestore()

    const added = Promise.withResolvers<void>()
    const reads = Promise.withResolvers<void>()
    const waiting = onNextRead(() => {
      reads.resolve()
      return added.promise
    })
    const first = search()
    if (kind === 'embedded') await reads.promise
    await server.ingest(eve, { 'new.txt': 'The lighthouse.' })
    const second = (await prepareSearch())()
    added.resolve()
    expect(await first).toHaveLength(5)
    expect((await second)[0]?.title).toBe('new')
    waiting.mockRestore()
    server.useEmbedder(undefined)
  })

  test('falls back to lexical search when the query’s vector is zero', async () => {
    const eve = await server.newAvee()
    server.useEmbedder({
      space: 'test/zeros',
      remote: false,
      embed: async (texts, purpose) => texts.map(() => new Float32Array([0, purpose === 'query' ? 0 : 1])),
    })
    await server.ingest(eve, handbook)
    const { hits } = await server.find(eve.aveeId, 'how long is the engine warmed up?')
    expect(hits[0]?.filename).toBe('engine.md')
    expect(hits.every(({ score }) => score >= 0 && score <= 1)).toBe(true)
    server.useEmbedder(undefined)
  })

  test('falls back to lexical search when embedding fails', async () => {
    server.useEmbedder({
      space: 'test/away',
      remote: true,
      embed: async () => Promise.reject(new Error('away')),
    })
    expect(await first('warmed up engine')).toBe('engine.md')
    server.useEmbedder(undefined)
  })

  test('reranks the best passages with a cross-encoder and keeps the order without one', async () => {
    const query = 'the revenue of the cooperative in 2023, the harbour and the engine'
    const found = (await server.find(aveeId, query)).hits
    expect(found.length).toBeGreaterThan(2)
    const read: string[] = []
    server.useReranker(async (_query, texts) => {
      read.push(...texts)
      return texts.map((_, i) => i)
    })
    const { hits } = await server.find(aveeId, query)
    expect(hits.map(({ text }) => text)).toEqual(found.map(({ text }) => text).toReversed())
    expect(hits.map(({ score }) => score)).toEqual(found.map(({ score }) => score))
    expect(read[0]).toContain(`${found[0]?.heading}\n${found[0]?.text}`)
    server.useReranker(async () => undefined)
    expect((await server.find(aveeId, query)).hits).toEqual(found)
    server.useReranker(undefined)
  })

  test('uses no model for a lexical-only search', async () => {
    const asked: string[] = []
    server.useEmbedder({
      space: 'test/busy',
      remote: false,
      embed: async (texts) => {
        asked.push(...texts)
        return texts.map(() => new Float32Array([1, 0]))
      },
    })
    server.useReranker(async (query) => {
      asked.push(query)
      return undefined
    })
    const query = { aveeId, layers: allLayers, query: 'warmed up engine', limit: 3, signal: server.signal }
    const { hits } = await server.knowledge.search({ ...query, lexicalOnly: true })
    expect(hits[0]?.filename).toBe('engine.md')
    expect(asked).toEqual([])
    await server.knowledge.search(query)
    expect(asked).toEqual([query.query, query.query])
    server.useEmbedder(undefined)
    server.useReranker(undefined)
  })

  test('selects context passages as exact parts within the budget, with adjacent ones merged', async () => {
    const eve = await server.newAvee()
    const paragraphs = Array.from(
      { length: 30 },
      (_, i) =>
        `Chapter ${i} of the chronicle tells of the year ${1700 + i}. ${'The winter was long and the mill stood still. '.repeat(8)}`,
    )
    const [result] = await server.ingest(eve, { 'chronicle.txt': paragraphs.join('\n\n') })
    const [page] = await server.knowledge.text(result?.doc_id ?? '', allLayers)
    const { passages } = await server.knowledge.contextPassages({
      aveeId: eve.aveeId,
      layers: allLayers,
      query: 'What does the chronicle tell of the year 1712?',
      words: 300,
      signal: server.signal,
    })
    expect(passages[0]?.text).toContain('the year 1712')
    let words = 0
    for (const passage of passages) {
      expect(page?.text.slice(passage.start, passage.end)).toBe(passage.text)
      words += passage.text.split(/\s+/).length
    }
    expect(words).toBeGreaterThan(150)
    expect(words).toBeLessThan(330)
    const bounds = passages.map(({ start, end }) => [start, end] as const).toSorted((a, b) => a[0] - b[0])
    for (const [i, [start]] of bounds.entries())
      if (i > 0) expect(start).toBeGreaterThan(bounds[i - 1]?.[1] ?? 0)
  })

  test('selects the passages of a small library without a match, after those with one', async () => {
    const ida = await server.newAvee()
    const select = async () => {
      const scope = { aveeId: ida.aveeId, layers: allLayers }
      const counts = await server.knowledge.passageCounts(scope).execute()
      const query = { ...scope, counts, query: 'Ladder?', words: 1_000, signal: server.signal }
      const { passages } = await server.knowledge.contextPassages({ ...query, wholeIfSmall: true })
      return passages.map(({ filename }) => filename)
    }
    expect(await select()).toEqual([])
    await server.ingest(ida, { 'ladder.txt': 'The ladder is in the barn.', 'oven.txt': 'The oven is hot.' })
    expect(await select()).toEqual(['ladder.txt', 'oven.txt'])
    const walks = Array.from({ length: 40 }, (_, i) => [`${i}.txt`, `Walk ${i} follows a river.`])
    await server.ingest(ida, Object.fromEntries(walks))
    expect(await select()).toEqual(['ladder.txt'])
  })

  test('searches the parts of a question for a prompt, the best passage of each first', async () => {
    const embedder = wordEmbedder('test/parts')
    server.useEmbedder(embedder)
    const query = 'Which boats berth at the northern quay and how long is the Kestrel engine warmed up?'
    const { passages } = await server.knowledge.contextPassages({
      aveeId,
      layers: allLayers,
      query,
      words: 1_000,
      signal: server.signal,
    })
    expect(embedder.texts.toSorted()).toEqual(
      [
        query,
        'Which boats berth at the northern quay',
        'how long is the Kestrel engine warmed up?',
      ].toSorted(),
    )
    const first = passages.slice(0, 2).map(({ filename }) => filename)
    expect(new Set(first)).toEqual(new Set(['engine.md', 'harbour.md']))
    server.useEmbedder(undefined)
  })

  test('finds text literally, with punctuation', async () => {
    const literal = async (text: string) =>
      (await server.knowledge.searchText(aveeId, allLayers, text, 10)).map((hit) => hit.filename)
    expect(await literal('hundred HOURS; use')).toEqual(['engine.md'])
    expect(await literal('TWELVE metres')).toEqual(['harbour.md'])
    expect(await literal('lookup_table')).toEqual(['code.ts'])
    expect(await literal('lookup%table')).toEqual([])
    expect(await literal('三百三十三')).toEqual(['tower.md'])
  })
})
