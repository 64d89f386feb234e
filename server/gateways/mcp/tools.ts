import type * as z from 'zod/mini'
import { layersWithin } from '../../../contract/layers.ts'
import { type mcpTools } from '../../../contract/mcp.ts'
import type { Work } from '../../../contract/operation.ts'
import type { Avees } from '../../avees/index.ts'
import type { Chat } from '../../chat/index.ts'
import type { GlobalSearch } from '../../global-search/index.ts'
import type { Caller } from '../../http/caller.ts'
import { documentPolicy, type Knowledge } from '../../knowledge/index.ts'
import type { Memory } from '../../memory/index.ts'
import type { Runs } from '../../runs/index.ts'
import { conversationOfOtherAvee } from './errors.ts'

/** Who calls a tool, and how the call is observed. */
export type ToolCall = {
  caller: Caller
  ip: string
  signal: AbortSignal
  /** Receives the id of the run that the call started. */
  onRun: (runId: string) => void
  /** Reports the number of events of the run to the client. */
  onProgress?: ((events: number) => Promise<void>) | undefined
}

export type ToolDependencies = {
  avees: Avees
  knowledge: Knowledge
  memory: Memory
  chat: Chat
  runs: Pick<Runs, 'follow'>
  search: GlobalSearch
  admit: (work: Work, from: { caller: Caller; ip: string }) => Promise<void>
}

type Name = keyof typeof mcpTools
/** The tools' implementations. Results may have further members, which are omitted. */
export type Tools = {
  [N in Name]: (
    input: z.output<(typeof mcpTools)[N]['input']>,
    call: ToolCall,
  ) => Promise<z.input<(typeof mcpTools)[N]['output']>>
}

/** Longer documents are returned in parts of whole pages. */
const maxTextCharacters = 100_000
const maxMemories = 50

/** The tools of the MCP server. Each checks the caller's current access. */
export function tools({ avees, knowledge, memory, chat, runs, search, admit }: ToolDependencies): Tools {
  const policy = documentPolicy({ avees, knowledge })
  return {
    async list_avees(_input, { caller }) {
      // The library is created on first use.
      await avees.library(caller.userId)
      const [owned, followed] = await Promise.all([avees.listOwned(caller), avees.listFollowed(caller)])
      const cards = new Map([...owned, ...followed].map((card) => [card.avee.id, card]))
      return {
        avees: [...cards.values()].map(({ avee, layer, isOwner }) => ({
          id: avee.id,
          handle: avee.handle,
          display_name: avee.displayName,
          bio: avee.bio,
          is_owner: isOwner,
          layer,
        })),
      }
    },

    async search_documents(input, { caller, signal }) {
      const { results } = await search(caller, { ...input, scope: 'documents' }, signal)
      return {
        passages: results.flatMap((result) =>
          result.kind === 'document' ? [{ ...result, avee: result.avee.handle }] : [],
        ),
      }
    },

    async read_document({ document_id, page: first = 0 }, { caller }) {
      const { layers } = await policy.accessToDocument(caller, document_id)
      const [{ title }, all] = await Promise.all([
        knowledge.get(document_id, layers),
        knowledge.text(document_id, layers),
      ])
      const left = all.filter(({ page }) => page >= first)
      let characters = 0
      const end = left.findIndex(({ text }, i) => (characters += text.length) > maxTextCharacters && i > 0)
      const pages = end === -1 ? left : left.slice(0, end)
      return { document_id, title, pages, next_page: left[pages.length]?.page ?? null }
    },

    async ask_avee({ avee: name, question, conversation_id }, { caller, ip, signal, onRun, onProgress }) {
      const { avee } = await avees.view(caller, name)
      if (conversation_id !== undefined) {
        const conversation = await chat.getConversation(caller, conversation_id)
        if (conversation.avee_id !== avee.id) throw conversationOfOtherAvee()
      }
      await admit('questions', { caller, ip })
      const asked =
        conversation_id === undefined
          ? await chat.askInNewConversation(caller, avee.id, question)
          : await chat.ask(caller, conversation_id, question)
      onRun(asked.run.id)
      if (onProgress)
        for await (const events of runs.follow(asked.run.id, asked.run.lastEvent, signal))
          await onProgress(events.at(-1)?.n ?? 0)
      const answer = await chat.waitForAnswer(caller, asked, signal)
      return {
        answer: answer.content,
        conversation_id: asked.conversationId,
        message_id: answer.id,
        run_id: asked.run.id,
        model: answer.model ?? '',
        layer_used: answer.layer_used,
        citations: answer.citations.flatMap((citation) =>
          citation.status === 'available' && citation.cited ? [citation] : [],
        ),
      }
    },

    async remember({ avee, text }, { caller }) {
      const stored = { avee, content: text, type: 'fact' as const, local_only: false }
      return { memory: await memory.createMemory(caller, stored) }
    },

    async recall({ avee: name, query }, { caller, signal }) {
      const { avee, layer } = await avees.view(caller, name)
      if (!query?.trim()) {
        const { memories } = await memory.listMemories(caller, { avee: avee.id }, { limit: maxMemories })
        return { memories }
      }
      const pair = { userId: caller.userId, aveeId: avee.id }
      const found = await memory.searchMemories({ ...pair, layers: layersWithin(layer), query, signal })
      return { memories: found.slice(0, maxMemories) }
    },
  }
}
