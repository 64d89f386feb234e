import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import * as z from 'zod/mini'
import { user as userShape } from '../../contract/accounts.ts'
import { avee as aveeShape } from '../../contract/avees.ts'
import { timestamp } from '../../contract/common.ts'
import { conversation as conversationShape } from '../../contract/conversations.ts'
import { type Document, document as documentShape } from '../../contract/knowledge.ts'
import { layersWithin } from '../../contract/layers.ts'
import { memory as memoryShape } from '../../contract/memory.ts'
import { message as messageShape } from '../../contract/messages.ts'
import { customTool as toolShape } from '../../contract/tools.ts'
import type { Accounts } from '../accounts/index.ts'
import { type Avees, presentAvee } from '../avees/index.ts'
import { type Chat, exportMarkdown } from '../chat/index.ts'
import type { Completions } from '../completions/index.ts'
import { AppError } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import { type Knowledge, presentDocument } from '../knowledge/index.ts'
import { type Memory, presentMemory } from '../memory/index.ts'
import type { Tools } from '../tools/index.ts'

export type DataExportDependencies = {
  accounts: Pick<Accounts, 'findUser'>
  avees: Pick<Avees, 'listOwned'>
  knowledge: Pick<Knowledge, 'list' | 'file' | 'attachments'>
  memory: Pick<Memory, 'exportMemories'>
  chat: Pick<Chat, 'listConversations' | 'getWholeConversation'>
  completions: Pick<Completions, 'listKept' | 'getKept'>
  tools: { custom: Pick<Tools['custom'], 'list'> }
}

/** An answer of `POST /v1/responses` that later requests can continue, with the messages it answers. */
const responseShape = z.object({
  id: z.string(),
  created_at: timestamp,
  model: z.nullable(z.string()),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })),
  content: z.nullable(z.string()),
})
const pageSize = 200
/** Originals of these types are compressed already. */
const compressedTypes = /^(?:pdf|docx|xlsx|pptx|od[tsp]|epub|png|jpe?g|gif|webp)$/

/** Streams everything that a user owns as a ZIP archive, one file at a time. */
export function dataExport({
  accounts,
  avees,
  knowledge,
  memory,
  chat,
  completions,
  tools,
}: DataExportDependencies) {
  async function listDocuments(aveeId: string) {
    const documents = []
    let cursor: string | undefined
    do {
      const page = await knowledge.list(aveeId, layersWithin('intimate'), { limit: pageSize, cursor })
      documents.push(...page.documents)
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return documents
  }

  async function listConversations(caller: Caller, archived: boolean) {
    const conversations = []
    for (;;) {
      const last = conversations.at(-1)
      const page = await chat.listConversations(caller, {
        archived,
        limit: pageSize,
        after: last && { pinned: last.pinned, updatedAt: last.updated_at.toISOString(), id: last.id },
      })
      conversations.push(...page)
      if (page.length < pageSize) return conversations
    }
  }

  /** @throws AppError before the archive begins; a later failure truncates it */
  return async (caller: Caller): Promise<Readable> => {
    const owned = (await avees.listOwned(caller)).filter(
      ({ avee }) => caller.aveeId === null || caller.aveeId === avee.id,
    )
    const zip = new ZipFile()
    const output = zip.outputStream as Readable
    let current: Readable | undefined
    zip.on('error', (error: Error) => output.destroy(error))
    output.once('close', () => current?.destroy())
    const paths = new Set<string>()

    const add = (path: string, load: () => Promise<Readable | string>, compress = true): void => {
      const unused = unusedPath(path, paths)
      zip.addReadStreamLazy(unused, { compress }, (send) => {
        load().then(
          (content) => {
            current = typeof content === 'string' ? Readable.from([content]) : content
            send(null, current)
          },
          (error: unknown) => {
            if (error instanceof AppError && error.status === 404) send(null, Readable.from([error.message]))
            else send(error, undefined as never)
          },
        )
      })
    }
    const addJson = (path: string, shape: z.ZodMiniType, load: () => Promise<unknown>): void =>
      add(path, async () => `${JSON.stringify(shape.parse(await load()), null, 2)}\n`)

    const addFiles = (
      folder: string,
      documents: Pick<Document, 'id' | 'type' | 'title' | 'filename'>[],
    ): void => {
      for (const { id, type, title, filename } of documents) {
        const open = async () => (await knowledge.file(id, layersWithin('intimate'))).open()
        add(`${folder}/${safeName(filename ?? `${title}.${type}`)}`, open, !compressedTypes.test(type))
      }
    }

    if (caller.aveeId === null)
      addJson('account.json', userShape, async () => accounts.findUser(caller.userId))
    addJson('avees.json', z.array(aveeShape), async () =>
      owned.map((card) => ({ ...presentAvee(card), avatar: card.avee.avatar })),
    )
    if (caller.aveeId === null)
      addJson('tools.json', z.array(toolShape), async () =>
        (await Promise.all(owned.map(({ avee }) => tools.custom.list(caller, avee.id)))).flat(),
      )
    addJson('memories.json', z.array(memoryShape), async () =>
      (await memory.exportMemories(caller, undefined)).map(presentMemory),
    )
    for (const { avee } of owned) {
      const folder = `documents/${avee.isLibrary ? 'library' : avee.handle}`
      const documents = await listDocuments(avee.id)
      addJson(`${folder}.json`, z.array(documentShape), async () => documents.map(presentDocument))
      addFiles(folder, documents)
    }
    const attachments = await knowledge.attachments.ofUser(caller.userId)
    for (const archived of [false, true]) {
      for (const { id, title, created_at } of await listConversations(caller, archived)) {
        const name = `${created_at.toISOString().slice(0, 10)} ${safeName(title ?? 'Conversation')}`
        const path = unusedPath(`conversations/${name}.json`, paths)
        addJson(
          path,
          z.object({ conversation: conversationShape, messages: z.array(messageShape) }),
          async () => {
            const { conversation, all } = await chat.getWholeConversation(caller, id)
            return { conversation, messages: all }
          },
        )
        add(path.replace(/json$/, 'md'), async () => {
          const { conversation, shown } = await chat.getWholeConversation(caller, id)
          return exportMarkdown(conversation, shown)
        })
        addFiles(path.replace(/\.json$/, ''), attachments.get(id) ?? [])
      }
    }
    for (const kept of await completions.listKept(caller)) {
      const { id, createdAt } = kept
      const path = `responses/${createdAt.toISOString().slice(0, 10)} ${id}.json`
      addJson(path, responseShape, async () => ({
        id,
        created_at: createdAt,
        ...(await completions.getKept(caller, kept)),
      }))
    }
    zip.end()
    return output
  }
}

export type DataExport = ReturnType<typeof dataExport>

/** Returns a file name that every file system accepts. */
const safeName = (name: string): string =>
  name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}/\\:*?"<>|]/gu, '_')
    .replace(/^\.+/, '_')
    .slice(-120)
    .trim() || '_'

/** Returns the path, or one with a number if it is in use, and marks it as used. */
function unusedPath(path: string, used: Set<string>): string {
  let unused = path
  for (let n = 2; used.has(unused.toLowerCase()); n += 1) unused = path.replace(/(\.\w+)?$/, ` (${n})$1`)
  used.add(unused.toLowerCase())
  return unused
}
