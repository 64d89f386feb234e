import type { FastifyPluginAsync } from 'fastify'
import type { DeletionReceipt } from '../../contract/deletions.ts'
import {
  createMemory,
  deleteMemories,
  deleteMemory,
  exportMemories,
  getMemorySettings,
  listConversationMemories,
  listMemories,
  restoreMemory,
  updateMemory,
  updateMemorySettings,
} from '../../contract/memory.ts'
import { type Caller, callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { Memory } from './memory.ts'
import { presentMemory } from './present.ts'

/** The list of memories of a conversation's avee is not paged. */
const maxOfConversation = 1_000

/**
 * Routes for the caller's memories. `conversationOf` returns the avee of one of the caller's conversations and throws
 * 404 for any other; conversations belong to a higher module.
 */
export const memoryRoutes =
  ({
    memory,
    conversationOf,
  }: {
    memory: Memory
    conversationOf: (caller: Caller, conversationId: string) => Promise<{ aveeId: string }>
  }): FastifyPluginAsync =>
  async (app) => {
    route(app, listConversationMemories, async (request) => {
      const caller = callerOf(request)
      const { aveeId } = await conversationOf(caller, request.params.id)
      const { memories, total } = await memory.listMemories(
        caller,
        { avee: aveeId },
        { limit: maxOfConversation },
      )
      return { avee_id: aveeId, memories: memories.map(presentMemory), total }
    })

    route(app, listMemories, async (request) => {
      const { avee, query, type, include_past: includePast = false, trash, limit, cursor } = request.query
      const page = await memory.listMemories(
        callerOf(request),
        { avee, query, type, includePast: includePast || trash === true, inTrash: trash },
        { limit, cursor },
      )
      return { ...page, memories: page.memories.map(presentMemory) }
    })

    route(app, createMemory, async (request) =>
      presentMemory(await memory.createMemory(callerOf(request), request.body)),
    )

    route(app, updateMemory, async (request) =>
      presentMemory(await memory.updateMemory(callerOf(request), request.params.id, request.body)),
    )

    route(app, deleteMemory, async (request) => {
      const { permanent } = request.query
      return presentDeletion(await memory.forgetMemory(callerOf(request), request.params.id, permanent))
    })

    route(app, restoreMemory, async (request) =>
      presentMemory(await memory.restoreMemory(callerOf(request), request.params.id)),
    )

    route(app, deleteMemories, async (request) => {
      const { avee, permanent } = request.query
      request.audited = { target: avee }
      return presentDeletion(await memory.forgetAll(callerOf(request), avee, permanent))
    })

    route(app, exportMemories, async (request, reply) => {
      const memories = await memory.exportMemories(callerOf(request), request.query.avee)
      void reply.header('content-disposition', 'attachment; filename="memories.json"')
      return { exported_at: new Date(), memories: memories.map(presentMemory) }
    })

    route(app, getMemorySettings, async (request) => memory.settings(callerOf(request)))

    route(app, updateMemorySettings, async (request) => {
      const caller = callerOf(request)
      await memory.setEnabled(caller, request.body)
      return await memory.settings(caller)
    })
  }

const presentDeletion = (receipt: DeletionReceipt) => ({
  ok: true as const,
  deleted: true as const,
  receipt,
  forgotten: receipt.memories ?? 0,
  restorable_until: receipt.restorable_until,
})
