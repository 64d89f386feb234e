import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { id } from '../../contract/common.ts'
import {
  conversationMemories,
  forgetQuery,
  forgotten,
  memoryExport,
  memoryExportQuery,
  memoryPage,
  memoryQuery,
  memorySettings,
  newMemoryBody,
  patchMemoryBody,
  putMemorySettingsBody,
  memory as wireMemory,
} from '../../contract/memory.ts'
import { type Caller, callerOf } from '../http/caller.ts'
import type { Memory } from './memory.ts'
import { presentMemory } from './present.ts'

const tags = ['memories']
const params = z.object({ id })
/** All that a conversation's avee remembers is listed at once. */
const mostOfConversation = 1_000

/**
 * What avees remember of the caller. `conversationOf` gives the avee of one of the caller's own conversations, and
 * throws 404 for any other: conversations are known further up.
 */
export const memoryRoutes =
  ({
    memory,
    conversationOf,
  }: {
    memory: Memory
    conversationOf: (caller: Caller, conversationId: string) => Promise<{ aveeId: string }>
  }): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/chat/:id/memories',
      {
        schema: {
          tags,
          summary: 'What the avee of a conversation remembers of you',
          params,
          response: { 200: conversationMemories },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        const { aveeId } = await conversationOf(caller, request.params.id)
        const { memories, total } = await memory.list(caller, { avee: aveeId }, { limit: mostOfConversation })
        return { avee_id: aveeId, memories: memories.map(presentMemory), total }
      },
    )

    app.get(
      '/memories',
      {
        schema: {
          tags,
          summary: 'What avees remember of you, pinned first, then the latest',
          querystring: memoryQuery,
          response: { 200: memoryPage },
        },
      },
      async (request) => {
        const { avee, query, type, include_past: includePast = false, limit, cursor } = request.query
        const page = await memory.list(
          callerOf(request),
          { avee, query, type, includePast },
          { limit, cursor },
        )
        return { memories: page.memories.map(presentMemory), total: page.total, next_cursor: page.next }
      },
    )

    app.post(
      '/memories',
      {
        schema: {
          tags,
          summary: 'Have an avee remember something',
          body: newMemoryBody,
          response: { 201: wireMemory },
        },
      },
      async (request, reply) => {
        const { local_only: localOnly, ...given } = request.body
        const made = await memory.remember(callerOf(request), { ...given, localOnly })
        return await reply.code(201).send(presentMemory(made))
      },
    )

    app.patch(
      '/memories/:id',
      {
        schema: {
          tags,
          summary: 'Change, pin, or keep a memory to local models',
          params,
          body: patchMemoryBody,
          response: { 200: wireMemory },
        },
      },
      async (request) => {
        const { local_only: localOnly, ...changes } = request.body
        return presentMemory(
          await memory.change(callerOf(request), request.params.id, { ...changes, localOnly }),
        )
      },
    )

    app.delete(
      '/memories/:id',
      {
        schema: {
          tags,
          summary: 'Forget a memory',
          description: 'It is nowhere from now on, and can be brought back for a while.',
          params,
          response: { 200: forgotten },
        },
      },
      async (request) => {
        const until = await memory.forget(callerOf(request), request.params.id)
        return { ok: true as const, forgotten: 1, restorable_until: until.toISOString() }
      },
    )

    app.post(
      '/memories/:id/restore',
      {
        schema: { tags, summary: 'Bring a forgotten memory back', params, response: { 200: wireMemory } },
      },
      async (request) => presentMemory(await memory.restore(callerOf(request), request.params.id)),
    )

    app.delete(
      '/memories',
      {
        schema: {
          tags,
          summary: 'Forget everything that an avee remembers of you',
          querystring: forgetQuery,
          response: { 200: forgotten },
        },
      },
      async (request) => {
        const { count, until } = await memory.forgetAll(callerOf(request), request.query.avee)
        return { ok: true as const, forgotten: count, restorable_until: until.toISOString() }
      },
    )

    app.get(
      '/memories/export',
      {
        schema: {
          tags,
          summary: 'Everything that is remembered of you, as a file',
          querystring: memoryExportQuery,
          response: { 200: memoryExport },
        },
      },
      async (request, reply) => {
        const memories = await memory.exported(callerOf(request), request.query.avee)
        return await reply
          .header('content-disposition', 'attachment; filename="memories.json"')
          .send({ exported_at: new Date().toISOString(), memories: memories.map(presentMemory) })
      },
    )

    app.get(
      '/memories/settings',
      {
        schema: { tags, summary: 'Whether avees remember you', response: { 200: memorySettings } },
      },
      async (request) => presentSettings(await memory.settings(callerOf(request))),
    )

    app.put(
      '/memories/settings',
      {
        schema: {
          tags,
          summary: 'Switch remembering on or off, for one avee or for all',
          description:
            'Off means that nothing is recalled and nothing learned from that moment on. What is remembered is kept, unless `forget` is true.',
          body: putMemorySettingsBody,
          response: { 200: memorySettings },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        await memory.setEnabled(caller, request.body)
        return presentSettings(await memory.settings(caller))
      },
    )
  }

const presentSettings = (settings: Awaited<ReturnType<Memory['settings']>>) => ({
  enabled: settings.enabled,
  rule_languages: settings.ruleLanguages,
  avees: settings.avees.map((avee) => ({
    avee_id: avee.aveeId,
    handle: avee.handle,
    display_name: avee.displayName,
    enabled: avee.enabled,
    memories: avee.memories,
  })),
})
