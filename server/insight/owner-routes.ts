import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { aveeParams } from '../../contract/avees.ts'
import { id, ok } from '../../contract/common.ts'
import {
  type AveeUpdate,
  answeredQuestion,
  answerQuestionBody,
  aveeInsight,
  aveeSharing,
  aveeUpdate,
  insightQuery,
  newUpdateBody,
  patchAveeSharing,
  patchUpdateBody,
  questionList,
  questionQuery,
  updateList,
} from '../../contract/insight.ts'
import { layersWithin } from '../../contract/layers.ts'
import { type Avees } from '../avees/index.ts'
import { callerOf } from '../http/caller.ts'
import { leaving } from '../http/leaving.ts'
import type { Insight } from './insight.ts'
import { ownedBy } from './policy.ts'

const tags = ['insight']
const questionParams = aveeParams.extend({ question_id: id })
const updateParams = aveeParams.extend({ update_id: id })

/** For the owner of an avee: its conversations as numbers, its unanswered questions, its updates. */
export const ownerRoutes =
  ({ insight, avees }: { insight: Insight; avees: Avees }): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/avees/:id/insight',
      {
        schema: {
          tags,
          summary: 'An avee’s conversations as numbers',
          description:
            'Turns of others count in a figure only when they are of at least `least_people` people; no text of theirs is in it.',
          params: aveeParams,
          querystring: insightQuery,
          response: { 200: aveeInsight },
        },
      },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        return await insight.dashboard(avee, request.query.days)
      },
    )

    app.get(
      '/avees/:id/insight/settings',
      {
        schema: {
          tags,
          summary: 'What visitors of an avee may send or share',
          params: aveeParams,
          response: { 200: aveeSharing },
        },
      },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        return await insight.questions.sharing(avee.id)
      },
    )

    app.patch(
      '/avees/:id/insight/settings',
      {
        schema: {
          tags,
          summary: 'Change what visitors of an avee may send or share',
          params: aveeParams,
          body: patchAveeSharing,
          response: { 200: aveeSharing },
        },
      },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        const { share_unanswered, allow_pass_on } = request.body
        return await insight.questions.changeSharing(avee.id, {
          ...(share_unanswered === undefined ? {} : { share_unanswered }),
          ...(allow_pass_on === undefined ? {} : { allow_pass_on }),
        })
      },
    )

    app.get(
      '/avees/:id/questions',
      {
        schema: {
          tags,
          summary: 'Questions that the avee could not answer',
          description: 'Those in about the same words are one; those that were passed on come first.',
          params: aveeParams,
          querystring: questionQuery,
          response: { 200: questionList },
        },
      },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        return await insight.questions.list(avee, request.query.state, request.query.limit)
      },
    )

    app.post(
      '/avees/:id/questions/:question_id/answer',
      {
        schema: {
          tags,
          summary: 'Answer a question: it is answered next time, and who passed it on gets the reply',
          params: questionParams,
          body: answerQuestionBody,
          response: { 200: answeredQuestion },
        },
      },
      async (request, reply) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        const done = await insight.questions.answer(
          avee,
          request.params.question_id,
          request.body,
          leaving(reply),
        )
        return { document_id: done.documentId, replies: done.replies }
      },
    )

    app.post(
      '/avees/:id/questions/:question_id/dismiss',
      {
        schema: {
          tags,
          summary: 'Take a question out of the inbox',
          params: questionParams,
          response: { 200: ok },
        },
      },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        await insight.questions.dismiss(avee, request.params.question_id)
        return { ok: true as const }
      },
    )

    app.post(
      '/avees/:id/updates',
      {
        schema: {
          tags,
          summary: 'Post what is new',
          params: aveeParams,
          body: newUpdateBody,
          response: { 201: aveeUpdate },
        },
      },
      async (request, reply) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        return await reply.code(201).send(present(await insight.updates.post(avee.id, request.body)))
      },
    )

    app.get(
      '/avees/:id/updates',
      {
        schema: {
          tags,
          summary: 'The updates that you may see, newest first',
          params: aveeParams,
          response: { 200: updateList },
        },
      },
      async (request) => {
        const { avee, layer } = await avees.view(callerOf(request), request.params.id)
        return { updates: (await insight.updates.list(avee.id, layersWithin(layer))).map(present) }
      },
    )

    app.patch(
      '/avees/:id/updates/:update_id',
      {
        schema: {
          tags,
          summary: 'Change an update',
          params: updateParams,
          body: patchUpdateBody,
          response: { 200: aveeUpdate },
        },
      },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        const { text, layer, title } = request.body
        const changed = await insight.updates.change(avee.id, request.params.update_id, {
          ...(text === undefined ? {} : { text }),
          ...(layer === undefined ? {} : { layer }),
          ...(title === undefined ? {} : { title }),
        })
        return present(changed)
      },
    )

    app.delete(
      '/avees/:id/updates/:update_id',
      { schema: { tags, summary: 'Delete an update', params: updateParams, response: { 200: ok } } },
      async (request) => {
        const avee = await ownedBy(avees, callerOf(request), request.params.id)
        await insight.updates.remove(avee.id, request.params.update_id)
        return { ok: true as const }
      },
    )

    type UpdateRow = Awaited<ReturnType<Insight['updates']['post']>>
    const present = (row: UpdateRow): AveeUpdate => ({
      id: row.id,
      avee_id: row.avee_id,
      layer: row.layer,
      title: row.title,
      text: row.text,
      fresh: insight.updates.isFresh(row),
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    })
  }
