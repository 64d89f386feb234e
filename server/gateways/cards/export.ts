import type { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { type Layer, layersWithin } from '../../../contract/layers.ts'
import type { Avee, AveeView } from '../../avees/index.ts'
import type { Caller } from '../../http/caller.ts'
import type { Knowledge, ListedDocument } from '../../knowledge/index.ts'
import type { Memory } from '../../memory/index.ts'
import { type Manifest, manifestName } from './avee-file.ts'
import { type BookEntry, type Character, writeCard } from './card.ts'
import { keywordsLine, splitPersona } from './persona.ts'
import { type Chunk, encodePng, isPng, readChunks, textChunk, writeChunks } from './png.ts'

export type ExportDependencies = { knowledge: Knowledge; memory: Memory }

const pageSize = 200
/** A lorebook has short entries; longer documents and further ones are not part of a card. */
const maxEntryCharacters = 20_000
const maxEntries = 300
const maxMemories = 100
const portraitSize = 256

/** Writes avees as character cards and .avee files. */
export function exporter({ knowledge, memory }: ExportDependencies) {
  async function* documentsOf(aveeId: string, layers: Layer[]): AsyncGenerator<ListedDocument> {
    for (let cursor: string | undefined; ; ) {
      const { documents, next } = await knowledge.list(aveeId, layers, { limit: pageSize, cursor })
      yield* documents
      if (next === null) return
      cursor = next
    }
  }

  async function entriesOf(avee: Avee): Promise<BookEntry[]> {
    const entries: BookEntry[] = []
    for await (const { id, title, bytes } of documentsOf(avee.id, ['public'])) {
      if (entries.length === maxEntries) break
      if (Number(bytes) > 4 * maxEntryCharacters) continue
      const pages = await knowledge.text(id, ['public'])
      const text = pages.map((page) => page.text).join('\n\n')
      if (text.trim() === '' || text.length > maxEntryCharacters) continue
      entries.push(toEntry(title, text.trim()))
    }
    return entries
  }

  /** Returns an avee as a character of a card. The persona is for its owner only. */
  async function characterOf({ avee, isOwner }: AveeView): Promise<Character> {
    const persona = splitPersona(isOwner ? avee.persona : '')
    return {
      ...persona,
      exampleDialogue: (isOwner && avee.exampleDialogue) || persona.exampleDialogue,
      name: avee.displayName,
      greeting: avee.greeting,
      notes: avee.bio,
      entries: await entriesOf(avee),
      portrait: avee.avatar?.startsWith('data:') ? avee.avatar : null,
    }
  }

  return {
    json: async (view: AveeView): Promise<object> => writeCard(await characterOf(view), 3),

    /** Returns a picture that contains the card in versions 2 and 3. */
    async png(view: AveeView): Promise<Buffer> {
      const character = await characterOf(view)
      const encode = (version: 2 | 3) =>
        Buffer.from(JSON.stringify(writeCard(character, version))).toString('base64')
      const portrait = Buffer.from(character.portrait?.split(',', 2)[1] ?? '', 'base64')
      const chunks = isPng(portrait) ? withoutTexts(readChunks(portrait)) : encodePng(blank())
      return writeChunks([
        ...chunks.slice(0, -1),
        textChunk('chara', encode(2)),
        textChunk('ccv3', encode(3)),
        ...chunks.slice(-1),
      ])
    },

    /** Returns a ZIP archive with the card and its portrait. */
    async charx(view: AveeView): Promise<Readable> {
      const character = await characterOf(view)
      const [, extension, data] = /^data:image\/(\w+);base64,(.+)$/.exec(character.portrait ?? '') ?? []
      const zip = archive()
      const file = `assets/icon/image/main.${extension}`
      if (data !== undefined) zip.addBuffer(Buffer.from(data, 'base64'), file)
      const portrait = data === undefined ? null : `embeded://${file}`
      zip.addBuffer(Buffer.from(JSON.stringify(writeCard({ ...character, portrait }, 3))), 'card.json')
      zip.end()
      return zip.outputStream as Readable
    },

    /** Returns a ZIP archive with everything that belongs to the owner. */
    async avee(caller: Caller, { avee, layer }: AveeView): Promise<Readable> {
      const zip = archive()
      const documents: Manifest['documents'] = []
      for await (const { id, title, filename, type, source, layer: own } of documentsOf(
        avee.id,
        layersWithin(layer),
      )) {
        const found = await knowledge.file(id, [own]).catch(() => undefined)
        if (!found) continue
        const file = `documents/${documents.length + 1}`
        documents.push({ file, title, filename, type, source, layer: own })
        zip.addReadStreamLazy(file, { size: Number(found.document.bytes) }, (use) => use(null, found.open()))
      }
      const memories: Manifest['memories'] = []
      for (let cursor: string | undefined; ; ) {
        const page = await memory.listMemories(caller, { avee: avee.id }, { limit: maxMemories, cursor })
        for (const { type, content, pinned, local_only } of page.memories)
          memories.push({ type, content, pinned, local_only })
        if (page.next_cursor === null) break
        cursor = page.next_cursor
      }
      const manifest: Manifest = {
        format: 'avee',
        version: 1,
        avee: {
          handle: avee.handle,
          display_name: avee.displayName,
          bio: avee.bio,
          persona: avee.persona,
          persona_notes: avee.personaNotes,
          example_dialogue: avee.exampleDialogue,
          greeting: avee.greeting,
          visibility: avee.visibility,
          anonymous: avee.anonymous,
          example_questions: avee.exampleQuestions,
          local_only: avee.localOnly,
          embed_origins: avee.embedOrigins,
          tools: avee.tools,
          ...(avee.avatar === null ? {} : { avatar: avee.avatar }),
          ...(avee.model === null ? {} : { model: avee.model }),
        },
        documents,
        memories,
      }
      zip.addBuffer(Buffer.from(JSON.stringify(manifest)), manifestName)
      zip.end()
      return zip.outputStream as Readable
    },
  }
}

/** An archive whose errors end its stream. */
function archive(): ZipFile {
  const zip = new ZipFile()
  zip.on('error', (error) => (zip.outputStream as Readable).destroy(error))
  return zip
}

/** The last line may have the keywords of an imported entry. */
function toEntry(name: string, text: string): BookEntry {
  const end = text.lastIndexOf(keywordsLine)
  return end === -1
    ? { name, keys: [name], content: text }
    : { name, keys: text.slice(end + keywordsLine.length).split(', '), content: text.slice(0, end) }
}

const withoutTexts = (chunks: Chunk[]) => chunks.filter(({ type }) => !/^(?:tEXt|iTXt|zTXt)$/.test(type))

const blank = () => ({
  width: portraitSize,
  height: portraitSize,
  rgba: new Uint8Array(portraitSize * portraitSize * 4).fill(0xdd),
})
