import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  conversation,
  conversationPage,
  conversationQuery,
  editBody,
  exportQuery,
  leafBody,
  message,
  messageList,
  messagesQuery,
  newConversationBody,
  patchConversationBody,
  regenerateBody,
} from '../../contract/chat.ts'
import { id, ok } from '../../contract/common.ts'
import type { Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { eventStream, sendRun } from '../http/sse.ts'
import type { Insight } from '../insight/index.ts'
import type { Memory } from '../memory/index.ts'
import type { Runs } from '../runs/index.ts'
import { askRoutes, optionsFrom } from './ask/routes.ts'
import type { Chat, StartedTurn } from './chat.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { exportMarkdown } from './export.ts'
import { presentConversation, presentMessage } from './present.ts'

const conversationParams = z.object({ id })
const messageParams = z.object({ id, message_id: id })
const idempotencyHeader = z.object({ 'idempotency-key': z.string().max(200).optional() })

export type ChatRouteDependencies = { chat: Chat; runs: Runs; avees: Avees; insight: Insight; memory: Memory }

/** Conversations, their messages, and what is asked in them. */
export const chatRoutes =
  (rooms: ChatRouteDependencies): FastifyPluginAsyncZod =>
  async (app) => {
    const { chat, runs, avees } = rooms

    app.post(
      '/conversations',
      {
        schema: {
          tags: ['conversations'],
          summary: 'Open a conversation with an avee',
          body: newConversationBody,
          response: { 201: conversation },
        },
      },
      async (request, reply) => {
        const opened = await chat.createConversation(callerOf(request), request.body.avee)
        return reply
          .code(201)
          .header('location', `/conversations/${opened.id}`)
          .send(presentConversation(opened))
      },
    )

    app.get(
      '/conversations',
      {
        schema: {
          tags: ['conversations'],
          summary: 'Own conversations, pinned first, then the latest; searched by title and words',
          querystring: conversationQuery,
          response: { 200: conversationPage },
        },
      },
      async (request) => {
        const caller = callerOf(request)
        const { avee, archived = false, query, limit, cursor } = request.query
        const rows = await chat.listConversations(caller, {
          ...(avee === undefined ? {} : { aveeId: (await avees.view(caller, avee)).avee.id }),
          ...(query === undefined ? {} : { query }),
          ...(cursor === undefined ? {} : { after: decodeCursor(cursor) }),
          archived,
          limit: limit + 1,
        })
        const shown = rows.slice(0, limit)
        const last = shown.at(-1)
        return {
          conversations: shown.map(presentConversation),
          next_cursor: rows.length > limit && last ? encodeCursor(last) : null,
        }
      },
    )

    app.get(
      '/conversations/:id',
      {
        schema: {
          tags: ['conversations'],
          summary: 'One conversation',
          params: conversationParams,
          response: { 200: conversation },
        },
      },
      async (request) =>
        presentConversation(await chat.getConversation(callerOf(request), request.params.id)),
    )

    app.patch(
      '/conversations/:id',
      {
        schema: {
          tags: ['conversations'],
          summary: 'Rename, pin or archive',
          params: conversationParams,
          body: patchConversationBody,
          response: { 200: conversation },
        },
      },
      async (request) => {
        const { title, pinned, archived } = request.body
        const changes = {
          ...(title === undefined ? {} : { title }),
          ...(pinned === undefined ? {} : { pinned }),
          ...(archived === undefined ? {} : { archived }),
        }
        return presentConversation(
          await chat.updateConversation(callerOf(request), request.params.id, changes),
        )
      },
    )

    app.delete(
      '/conversations/:id',
      {
        schema: {
          tags: ['conversations'],
          summary: 'Delete a conversation with its messages',
          params: conversationParams,
          response: { 200: ok },
        },
      },
      async (request) => {
        await chat.deleteConversation(callerOf(request), request.params.id)
        return { ok: true as const }
      },
    )

    app.get(
      '/conversations/:id/messages',
      {
        schema: {
          tags: ['conversations'],
          summary: 'The shown branch, oldest first; earlier ones with `before`',
          params: conversationParams,
          querystring: messagesQuery,
          response: { 200: messageList },
        },
      },
      async (request) => {
        const { limit, before } = request.query
        const page = await chat.listMessages(callerOf(request), request.params.id, {
          limit,
          ...(before === undefined ? {} : { before }),
        })
        return {
          messages: page.messages.map((row) => presentMessage(row, page.layer)),
          has_more: page.hasMore,
        }
      },
    )

    app.get(
      '/conversations/:id/export',
      {
        schema: {
          tags: ['conversations'],
          summary: 'The conversation as Markdown (the shown branch) or JSON (all branches)',
          params: conversationParams,
          querystring: exportQuery,
          response: { 200: z.unknown() },
        },
      },
      async (request, reply) => {
        const {
          conversation: row,
          layer,
          all,
          shown,
        } = await chat.getWholeConversation(callerOf(request), request.params.id)
        const about = presentConversation(row)
        const present = (list: typeof all) => list.map((item) => presentMessage(item, layer))
        const name = `conversation-${row.id}`
        if (request.query.format === 'json') {
          return reply
            .header('content-disposition', `attachment; filename="${name}.json"`)
            .send({ conversation: about, messages: present(all) })
        }
        return reply
          .type('text/markdown; charset=utf-8')
          .header('content-disposition', `attachment; filename="${name}.md"`)
          .serializer((text: string) => text)
          .send(exportMarkdown(about, present(shown)))
      },
    )

    app.put(
      '/conversations/:id/leaf',
      {
        schema: {
          tags: ['conversations'],
          summary: 'Show the branch that goes through a message',
          params: conversationParams,
          body: leafBody,
          response: { 200: conversation },
        },
      },
      async (request) =>
        presentConversation(
          await chat.selectBranch(callerOf(request), request.params.id, request.body.message_id),
        ),
    )

    app.get(
      '/messages/:id',
      {
        schema: {
          tags: ['conversations'],
          summary: 'One message',
          params: conversationParams,
          response: { 200: message },
        },
      },
      async (request) => {
        const found = await chat.getMessage(callerOf(request), request.params.id)
        return presentMessage(found.message, found.layer)
      },
    )

    const stream = async (request: FastifyRequest, reply: FastifyReply, asked: StartedTurn) =>
      sendRun(request, reply, runs, asked.run.id)

    app.post(
      '/conversations/:id/messages/:message_id/regenerate',
      {
        schema: {
          tags: ['chat'],
          summary: 'Answer the same question again; streams',
          params: messageParams,
          headers: idempotencyHeader,
          body: regenerateBody,
          response: { 200: eventStream },
        },
      },
      async (request, reply) => {
        const { id: conversationId, message_id } = request.params
        const options = { ...optionsFrom(request.body ?? {}), ...idempotencyKeyOf(request) }
        return stream(
          request,
          reply,
          await chat.regenerate(callerOf(request), conversationId, message_id, options),
        )
      },
    )

    app.post(
      '/conversations/:id/messages/:message_id/edit',
      {
        schema: {
          tags: ['chat'],
          summary: 'Put an earlier question in other words; streams its answer',
          params: messageParams,
          headers: idempotencyHeader,
          body: editBody,
          response: { 200: eventStream },
        },
      },
      async (request, reply) => {
        const { id: conversationId, message_id } = request.params
        const options = { ...optionsFrom(request.body), ...idempotencyKeyOf(request) }
        return stream(
          request,
          reply,
          await chat.editQuestion(
            callerOf(request),
            conversationId,
            message_id,
            request.body.content,
            options,
          ),
        )
      },
    )

    await app.register(askRoutes(rooms))
  }
