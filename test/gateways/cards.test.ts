import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
import type { Document } from '../../contract/knowledge.ts'
import { decodePng, encodePng, readChunks, textChunk, writeChunks } from '../../server/gateways/cards/png.ts'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, createAvee, registerUser, type TestUser, uploadFiles } from '../builders.ts'
import { expectError } from '../conformance/contract.ts'
import { collectEvents } from '../events.ts'
import { zipOf } from '../files/zip.ts'

type Card = { spec: string; data: Record<string, unknown> & { character_book?: { entries: object[] } } }
type Imported = {
  avee: Avee
  documents: number
  run_ids: string[]
  not_taken_over: { field: string; message: string }[]
}

const data = {
  name: 'Mira',
  description: '{{char}} keeps the lighthouse.',
  personality: 'Calm and dry.',
  scenario: '{{user}} visits in a storm.',
  first_mes: 'Come in, {{user}}.',
  mes_example: '<START>\n{{user}}: Hello\n{{char}}: Mind the step.',
  creator_notes: 'A keeper of lights.',
  system_prompt: 'Stay in character. {{original}}',
  post_history_instructions: 'Answer briefly.',
  alternate_greetings: ['Again?'],
  tags: ['sea'],
  creator: 'somebody',
  character_version: '1.2',
  extensions: { depth_prompt: { prompt: 'x' } },
  character_book: {
    extensions: {},
    entries: [
      {
        keys: ['lamp', 'oil'],
        content: '@@depth 4\nThe lamp burns whale oil.',
        extensions: {},
        enabled: true,
        insertion_order: 1,
        name: 'The lamp',
      },
      { keys: ['off'], content: 'Never shown.', extensions: {}, enabled: false, insertion_order: 2 },
    ],
  },
}
const v2 = { spec: 'chara_card_v2', spec_version: '2.0', data }
const v3 = {
  spec: 'chara_card_v3',
  spec_version: '3.0',
  data: { ...data, group_only_greetings: [], assets: [] },
}

const picture = () => {
  const rgba = new Uint8Array(600 * 400 * 4).fill(200)
  return encodePng({ width: 600, height: 400, rgba })
}
const encode = (card: object) => Buffer.from(JSON.stringify(card)).toString('base64')
const pngCard = (keyword: string, card: object) => {
  const chunks = picture()
  return writeChunks([...chunks.slice(0, -1), textChunk(keyword, encode(card)), ...chunks.slice(-1)])
}

describe('character cards and .avee files', () => {
  let app: TestApp
  let owner: TestUser
  let visitor: TestUser
  beforeAll(async () => {
    app = await startApp()
    owner = await registerUser(app)
    visitor = await registerUser(app)
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
  })

  async function send(user: TestUser, name: string, content: string | Uint8Array) {
    const form = new FormData()
    form.append('file', new File([new Uint8Array(Buffer.from(content))], name))
    const response = await user.client.fetch('/avees/import', { method: 'POST', body: form })
    return { status: response.status, headers: response.headers, body: (await response.json()) as never }
  }
  /** Imports a file and waits for its documents. */
  async function importFile(name: string, content: string | Uint8Array): Promise<Imported> {
    const imported = bodyOf<Imported>(await send(owner, name, content))
    for (const id of imported.run_ids) await collectEvents(await owner.client.fetch(`/runs/${id}/events`))
    return imported
  }
  const documentsOf = async (avee: string) =>
    bodyOf(await owner.client.get<{ documents: Document[] }>(`/avees/${avee}/documents`)).documents
  const exportOf = async (user: TestUser, avee: string, format: string) => {
    const response = await user.client.fetch(`/avees/${avee}/export?format=${format}`)
    const { status, headers } = response
    return { status, headers, bytes: Buffer.from(await response.arrayBuffer()) }
  }

  test.each([
    ['JSON of version 2', 'mira.json', JSON.stringify(v2)],
    ['JSON of version 3', 'mira.json', JSON.stringify(v3)],
    ['PNG of version 2', 'mira.png', pngCard('chara', v2)],
    ['PNG of version 3', 'mira.png', pngCard('ccv3', v3)],
    [
      'CHARX',
      'mira.charx',
      zipOf({
        'card.json': JSON.stringify(withIcon('embeded://icon.png')),
        'icon.png': writeChunks(picture()),
      }),
    ],
  ])('imports %s', async (kind, name, content) => {
    const { avee, documents, not_taken_over } = await importFile(name, content)
    expect(avee).toMatchObject({
      display_name: 'Mira',
      bio: 'A keeper of lights.',
      greeting: 'Come in, User.',
      example_dialogue: '<START>\nUser: Hello\nMira: Mind the step.',
      visibility: 'private',
      handle: expect.stringMatching(/^mira/),
    })
    expect(avee.persona).toBe(
      [
        'Stay in character.',
        '## Description',
        'Mira keeps the lighthouse.',
        '## Personality',
        'Calm and dry.',
        '## Scenario',
        'User visits in a storm.',
        '## Further instructions',
        'Answer briefly.',
      ].join('\n\n'),
    )
    expect(documents).toBe(1)
    const [lamp] = await documentsOf(avee.id)
    expect(lamp).toMatchObject({ title: 'The lamp', layer: 'public', source: 'text' })
    const { pages } = bodyOf(
      await owner.client.get<{ pages: { text: string }[] }>(`/documents/${lamp?.id}/text`),
    )
    expect(pages.map(({ text }) => text).join('')).toContain('The lamp burns whale oil.')
    expect(not_taken_over.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['alternate_greetings', 'tags', 'extensions', 'character_book']),
    )
    if (kind.includes('JSON')) return
    const image = await owner.client.fetch(avee.avatar ?? '')
    const { width, height } = decodePng(readChunks(Buffer.from(await image.arrayBuffer())))
    expect([width, height]).toEqual([256, 256])
  })

  test('names the created avee in the audit log', async () => {
    const { avee } = await importFile('mira.json', JSON.stringify(v2))
    const path = '/admin/audit?query=avee.import&limit=1'
    const { entries } = bodyOf(await owner.client.get<{ entries: object[] }>(path))
    expect(entries).toMatchObject([{ action: 'avee.import', target: avee.id }])
  })

  test('exports a card that imports as the same character', async () => {
    const { avee } = await importFile('mira.png', pngCard('ccv3', v3))
    const { bytes } = await exportOf(owner, avee.id, 'json')
    const card = JSON.parse(bytes.toString()) as Card
    expect(card).toMatchObject({
      spec: 'chara_card_v3',
      data: {
        name: 'Mira',
        personality: 'Calm and dry.',
        system_prompt: 'Stay in character.',
        mes_example: '<START>\nUser: Hello\nMira: Mind the step.',
        post_history_instructions: 'Answer briefly.',
        character_book: {
          entries: [{ keys: ['lamp', 'oil'], content: 'The lamp burns whale oil.', enabled: true }],
        },
      },
    })
    for (const format of ['png', 'charx']) {
      const again = await importFile(`mira.${format}`, (await exportOf(owner, avee.id, format)).bytes)
      const { persona, greeting, bio, example_dialogue } = avee
      expect(again.avee).toMatchObject({ persona, greeting, bio, example_dialogue })
      expect(again.avee.avatar).toBeTruthy()
      expect(again.documents).toBe(1)
    }
  })

  test('exports to others only what is public', async () => {
    const avee = await createAvee(owner.client, {
      persona: 'A secret persona.',
      example_dialogue: 'A secret dialogue.',
      avatar: '🌊',
    })
    for (const layer of ['public', 'friends', 'intimate'] as const)
      await uploadFiles(owner.client, [{ name: `${layer}.txt`, content: `The ${layer} text.` }], {
        avee: avee.id,
        layer,
      })
    for (const user of [owner, visitor])
      for (const format of ['json', 'png']) {
        const { status, bytes } = await exportOf(user, avee.id, format)
        expect(status).toBe(200)
        const encoded = [...bytes.toString('latin1').matchAll(/(?:chara|ccv3)\0([\w+/=]+)/g)].map(
          ([, text = '']) => Buffer.from(text, 'base64').toString(),
        )
        const text = `${bytes.toString()}${encoded.join('')}`
        expect(text).toContain('The public text.')
        expect(text).not.toMatch(/The (?:friends|intimate) text/)
        expect(text.includes('A secret persona.')).toBe(user === owner)
        expect(text.includes('A secret dialogue.')).toBe(user === owner)
      }
    const refused = await exportOf(visitor, avee.id, 'avee')
    expect([refused.status, refused.headers.get('content-disposition')]).toEqual([403, null])
    await owner.client.patch(`/avees/${avee.id}`, { visibility: 'private' })
    expect((await exportOf(visitor, avee.id, 'json')).status).toBe(404)
  })

  test('restores an avee from an .avee file', async () => {
    const avee = await createAvee(owner.client, {
      handle: 'whole-avee',
      persona: 'Curious.',
      example_dialogue: 'User: Hi\nMe: Aye.',
      greeting: 'Hello',
      visibility: 'unlisted',
    })
    const to = (layer: 'public' | 'intimate') => ({ avee: avee.id, layer })
    await uploadFiles(owner.client, [{ name: 'notes.md', content: '# Tides\n\nHigh at noon.' }], to('public'))
    await uploadFiles(owner.client, [{ name: 'diary.txt', content: 'A quiet night.' }], to('intimate'))
    await owner.client.post(`/avees/${avee.id}/documents`, {
      title: 'Pasted',
      text: 'A pasted text.',
      layer: 'friends',
    })
    const remember = { avee: avee.id, content: 'I live by the sea.', type: 'preference' }
    const { id } = bodyOf(await owner.client.post<{ id: string }>('/memories', remember))
    await owner.client.patch(`/memories/${id}`, { pinned: true })
    await visitor.client.post('/memories', { avee: avee.id, content: 'A memory of the visitor.' })

    const { bytes } = await exportOf(owner, avee.id, 'avee')
    expect(bytes.toString('latin1')).not.toContain('A memory of the visitor.')
    await owner.client.delete(`/avees/${avee.id}`)
    const imported = await importFile('whole.avee', bytes)
    const { id: _id, created_at: _created, updated_at: _updated, ...settings } = avee
    expect(imported).toMatchObject({ avee: settings, documents: 3, not_taken_over: [] })
    const documents = await documentsOf(imported.avee.id)
    const shown = documents.map(({ title, filename, layer, source }) => ({ title, filename, layer, source }))
    expect(shown.toSorted((a, b) => a.layer.localeCompare(b.layer))).toEqual([
      { title: 'Pasted', filename: null, layer: 'friends', source: 'text' },
      { title: 'diary', filename: 'diary.txt', layer: 'intimate', source: 'upload' },
      { title: 'Tides', filename: 'notes.md', layer: 'public', source: 'upload' },
    ])
    const diary = documents.find(({ filename }) => filename === 'diary.txt')
    expect(await (await owner.client.fetch(`/documents/${diary?.id}/file`)).text()).toBe('A quiet night.')
    const { memories } = bodyOf(
      await owner.client.get<{ memories: object[] }>(`/memories?avee=${imported.avee.id}`),
    )
    expect(memories).toMatchObject([{ content: 'I live by the sea.', type: 'preference', pinned: true }])
    const twice = await importFile('whole.avee', bytes)
    expect(twice.avee.handle).not.toBe('whole-avee')
    expect(twice.not_taken_over).toMatchObject([{ field: 'handle' }])
  })

  test('refuses hostile and damaged files with a reason, and creates nothing', async () => {
    const whole = pngCard('ccv3', v3)
    const flipped = Buffer.from(whole)
    flipped[whole.length - 40] = (flipped[whole.length - 40] ?? 0) ^ 0xff
    const huge = Buffer.from(whole)
    huge.writeUInt32BE(0xffffffff, 33)
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const manifest = (more: object) =>
      JSON.stringify({
        format: 'avee',
        version: 1,
        avee: { handle: 'x-avee', display_name: 'X' },
        documents: [],
        memories: [],
        ...more,
      })
    const bomb = zipOf({ 'card.json': Buffer.alloc(40 * 1024 * 1024, 32) })
    const before = bodyOf(await owner.client.get<{ avees: Avee[] }>('/me/avees')).avees.length
    const files: [string, string | Uint8Array, string][] = [
      ['a text', 'no card', 'not_a_card'],
      ['JSON without a name', '{"spec":"chara_card_v2","data":{}}', 'not_a_card'],
      ['deep JSON', deep, 'not_a_card'],
      [
        'a deep card in an image',
        pngCard('ccv3', {
          ...v3,
          extensions: JSON.parse(deep.slice(0, 5 * 200).concat('1', '}'.repeat(200))) as object,
        }),
        'not_a_card',
      ],
      ['an image without a card', writeChunks(picture()), 'not_a_card'],
      ['an image that is cut off', whole.subarray(0, whole.length - 30), 'not_a_card'],
      ['a wrong checksum', flipped, 'not_a_card'],
      ['a chunk of 4 GB', huge, 'not_a_card'],
      ['a ZIP bomb', bomb, 'not_a_card'],
      ['an archive without a card', zipOf({ 'x.txt': 'x' }), 'not_a_card'],
      ['a broken archive', Buffer.from('PK\x03\x04 broken', 'latin1'), 'avee_file_damaged'],
      ['a broken manifest', zipOf({ 'avee.json': '{' }), 'avee_file_damaged'],
      [
        'an image of another server',
        zipOf({
          'avee.json': manifest({
            avee: { handle: 'x-avee', display_name: 'X', avatar: 'https://example.org/x.png' },
          }),
        }),
        'avee_file_damaged',
      ],
      [
        'a missing document',
        zipOf({
          'avee.json': manifest({
            documents: [
              {
                file: 'documents/1',
                title: 'T',
                filename: null,
                type: 'md',
                source: 'text',
                layer: 'public',
              },
            ],
          }),
        }),
        'avee_file_damaged',
      ],
    ]
    for (const [what, content, code] of files) {
      const response = await send(owner, 'file', content)
      expect([what, response.status]).toEqual([what, 422])
      expectError(response, 422, code)
    }
    const after = bodyOf(await owner.client.get<{ avees: Avee[] }>('/me/avees')).avees.length
    expect(after).toBe(before)
    expect((await owner.client.post('/avees/import')).status).toBe(400)
  })

  test('omits a portrait that is a decompression bomb or has a rare format', async () => {
    const bomb = picture().map((chunk) =>
      chunk.type === 'IDAT' ? { ...chunk, data: deflateSync(Buffer.alloc(30 * 1024 * 1024)) } : chunk,
    )
    const file = writeChunks([...bomb.slice(0, -1), textChunk('chara', encode(v2)), ...bomb.slice(-1)])
    const { avee, not_taken_over } = await importFile('bomb.png', file)
    expect(avee.avatar).toBeNull()
    expect(not_taken_over).toContainEqual({ field: 'portrait', message: expect.any(String) })
  })
})

function withIcon(uri: string) {
  return { ...v3, data: { ...v3.data, assets: [{ type: 'icon', uri, name: 'main', ext: 'png' }] } }
}
