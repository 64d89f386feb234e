import type { FastifyPluginAsync } from 'fastify'
import { listDocumentUses } from '../../contract/document-uses.ts'
import type { Avees } from '../avees/index.ts'
import type { Database } from '../db/index.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import { documentPolicy, type Knowledge } from '../knowledge/index.ts'
import { decodeCursor, encodeCursor, pageOf } from '../paging.ts'
import { countUsesOfOthers, listAveesWithFile, listUses, usePosition } from './store/uses.ts'

/** Where a document is used. */
export const useRoutes =
  ({
    database: { db },
    avees,
    knowledge,
  }: {
    database: Database
    avees: Avees
    knowledge: Knowledge
  }): FastifyPluginAsync =>
  async (app) => {
    const policy = documentPolicy({ avees, knowledge })

    route(app, listDocumentUses, async (request) => {
      const caller = callerOf(request)
      const { id, limit, cursor } = { ...request.params, ...request.query }
      const { layers, isOwner, isAttachment } = await policy.accessToDocument(caller, id)
      await knowledge.get(id, layers)
      const after = cursor === undefined ? undefined : decodeCursor(usePosition, cursor)
      const [rows, others, holders] = await Promise.all([
        listUses(db, id, caller, { limit: limit + 1, after }),
        isOwner && !isAttachment ? countUsesOfOthers(db, id, caller.userId) : null,
        listAveesWithFile(db, id, caller),
      ])
      const { page, next } = pageOf(rows, limit, ({ cited_at, conversation_id }) =>
        encodeCursor({ citedAt: cited_at, id: conversation_id }),
      )
      return { conversations: page, next_cursor: next, conversations_of_others: others, avees: holders }
    })
  }
