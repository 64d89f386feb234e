import type { FastifyPluginAsync } from 'fastify'
import {
  createUpdate,
  deleteUpdate,
  dismissQuestion,
  getAveeInsight,
  getVisitorSettings,
  listQuestions,
  listUpdates,
  updateUpdate,
  updateVisitorSettings,
} from '../../contract/avee-insight.ts'
import { layersWithin } from '../../contract/layers.ts'
import { type Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import type { Insight } from './insight.ts'
import { getOwnedAvee } from './policy.ts'

/** Operations for the owner of an avee: the dashboard, unanswered questions, updates. */
export const ownerRoutes =
  ({ insight, avees }: { insight: Insight; avees: Avees }): FastifyPluginAsync =>
  async (app) => {
    route(app, getAveeInsight, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      return await insight.dashboard(avee, request.query.days)
    })

    route(app, getVisitorSettings, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      return await insight.questions.getSharing(avee.id)
    })

    route(app, updateVisitorSettings, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      const { share_unanswered, allow_pass_on } = request.body
      return await insight.questions.updateSharing(avee.id, {
        ...(share_unanswered === undefined ? {} : { share_unanswered }),
        ...(allow_pass_on === undefined ? {} : { allow_pass_on }),
      })
    })

    route(app, listQuestions, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      return await insight.questions.list(avee, request.query.state, request.query.limit)
    })

    route(app, dismissQuestion, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      await insight.questions.dismiss(avee, request.params.question_id)
      return { ok: true as const }
    })

    route(app, createUpdate, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      return present(await insight.updates.create(avee.id, request.body))
    })

    route(app, listUpdates, async (request) => {
      const { avee, layer } = await avees.view(callerOf(request), request.params.id)
      return { updates: (await insight.updates.list(avee.id, layersWithin(layer))).map(present) }
    })

    route(app, updateUpdate, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      return present(await insight.updates.update(avee.id, request.params.update_id, request.body))
    })

    route(app, deleteUpdate, async (request) => {
      const avee = await getOwnedAvee(avees, callerOf(request), request.params.id)
      await insight.updates.delete(avee.id, request.params.update_id)
      return { ok: true as const }
    })

    type UpdateRow = Awaited<ReturnType<Insight['updates']['create']>>
    const present = (row: UpdateRow) => ({ ...row, fresh: insight.updates.isFresh(row) })
  }
