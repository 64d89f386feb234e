import type { FastifyPluginAsync } from 'fastify'
import { getApiHealth, getStatus } from '../../../contract/localchat.ts'
import type { Avees } from '../../avees/index.ts'
import type { Database } from '../../db/index.ts'
import { callerOf } from '../../http/caller.ts'
import { route } from '../../http/route.ts'
import type { Knowledge } from '../../knowledge/index.ts'
import type { Models } from '../../models/index.ts'

/** Timeout of the model services. */
const modelStatusTimeoutMs = 2_000

/** GET /api/status and /api/health: the current state of the services. */
export const localchatStatusRoutes =
  ({
    database,
    models,
    knowledge,
    avees,
    version,
    maxQuestionCharacters,
  }: {
    database: Database
    models: Models
    knowledge: Knowledge
    avees: Avees
    version: string
    maxQuestionCharacters: number
  }): FastifyPluginAsync =>
  async (app) => {
    const isUp = () =>
      database.ping().then(
        () => true,
        () => false,
      )

    route(app, getStatus, async (request) => {
      const caller = callerOf(request)
      const library = await avees.library(caller.userId)
      const isVisible = caller.aveeId === null || caller.aveeId === library.id
      const [up, seen, documents] = await Promise.all([
        isUp(),
        models.status(AbortSignal.timeout(modelStatusTimeoutMs)),
        isVisible ? knowledge.count(library.id) : 0,
      ])
      return {
        ollama: seen.ollama,
        database: up,
        ready: up,
        active_model: seen.chat.model,
        provider: seen.chat.provider,
        model_reason: seen.chat.reason,
        strong_model: seen.strong,
        embedding_model: seen.embedding.model,
        rerank_model: seen.rerank?.model ?? null,
        rerank_problem: seen.rerank?.problem ?? null,
        document_count: documents,
        max_question_chars: maxQuestionCharacters,
        cache: models.cacheStats(),
        version,
      }
    })

    route(app, getApiHealth, async (_request, reply) => {
      const [up, seen] = await Promise.all([isUp(), models.status(AbortSignal.timeout(modelStatusTimeoutMs))])
      return reply.code(up ? 200 : 503).send({
        status: up ? (seen.ollama ? 'healthy' : 'degraded') : 'unhealthy',
        checks: { database: up, ollama: seen.ollama, cache: true },
        timestamp: new Date(),
      })
    })
  }
