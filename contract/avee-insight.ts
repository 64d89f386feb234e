import * as z from 'zod/mini'
import { aveeParams, component, describe, id, limitOf, ok, text, timestamp } from './common.ts'
import { percentage, visitorSettings } from './insight.ts'
import { layer } from './layers.ts'
import { operation } from './operation.ts'

// Operations for the owner of an avee: the dashboard, unanswered questions, updates.

const tags = ['insight'] as const
const count = z.int()

export const aveeInsight = component(
  'AveeInsight',
  z.object({
    days: count,
    least_people: describe(
      count,
      'Turns of other users count only in figures that cover at least this many users.',
    ),
    totals: z.object({
      turns: count,
      conversations: count,
      answered: count,
      unanswered: count,
      thumbs_up: count,
      thumbs_down: count,
      relevance: percentage,
      engagement: percentage,
      factual_grounding: percentage,
      avg_response_time: describe(z.nullable(z.number()), 'Seconds.'),
    }),
    withheld: describe(z.boolean(), 'True if turns were left out because too few users had them.'),
    by_day: z.array(
      z.object({
        day: z.iso.date(),
        turns: count,
        unanswered: count,
        relevance: percentage,
        factual_grounding: percentage,
      }),
    ),
    topics: z.array(
      z.object({
        topic: z.string(),
        turns: count,
        by_day: z.array(z.object({ day: z.iso.date(), turns: count })),
      }),
    ),
    documents_used: z.array(z.object({ document_id: id, title: z.string(), layer, turns: count })),
    documents_unused: z.array(z.object({ document_id: id, title: z.string(), layer })),
    documents_unused_total: count,
  }),
)
export type AveeInsight = z.infer<typeof aveeInsight>

export const getAveeInsight = operation({
  method: 'GET',
  path: '/avees/:id/insight',
  tags,
  summary: 'Get usage figures of an avee',
  description:
    'For the owner. Contains no text of other users; their turns count only in figures that cover at least `least_people` users.',
  params: aveeParams,
  query: z.object({ days: limitOf(365, 30) }),
  responses: { 200: aveeInsight },
})

export const getVisitorSettings = operation({
  method: 'GET',
  path: '/avees/:id/insight/settings',
  tags,
  summary: 'Get what visitors of an avee can share',
  params: aveeParams,
  responses: { 200: visitorSettings },
})

export const updateVisitorSettings = operation({
  method: 'PATCH',
  path: '/avees/:id/insight/settings',
  tags,
  summary: 'Update what visitors of an avee can share',
  audit: 'avee.update_settings',
  params: aveeParams,
  body: z.partial(visitorSettings),
  responses: { 200: visitorSettings },
})

export const questionState = z.enum(['open', 'answered', 'dismissed'])
export type QuestionState = z.infer<typeof questionState>

/** A group of similar questions that an avee could not answer. */
export const unansweredQuestion = component(
  'UnansweredQuestion',
  z.object({
    id,
    question: describe(
      z.nullable(z.string()),
      'The wording of the first visitor; null if no visitor has given consent to show it.',
    ),
    count,
    layer: describe(layer, 'The widest layer at which it was asked.'),
    reason: describe(
      z.enum(['no_passage', 'said_so', 'passed_on']),
      'no_passage: no passage matched; said_so: the answer itself says that it does not know; passed_on: a visitor sent it.',
    ),
    state: questionState,
    passed_on: z.array(
      z.object({
        from: z.string(),
        question: z.string(),
        note: z.string(),
        passed_on_at: timestamp,
        replied: z.boolean(),
      }),
    ),
    first_asked: z.iso.date(),
    last_asked: z.iso.date(),
    document_id: z.nullable(id),
  }),
)
export type UnansweredQuestion = z.infer<typeof unansweredQuestion>

export const listQuestions = operation({
  method: 'GET',
  path: '/avees/:id/questions',
  tags,
  summary: 'List questions that an avee could not answer',
  description: 'Similar questions are grouped. Questions that visitors sent come first.',
  params: aveeParams,
  query: z.object({ state: z._default(questionState, 'open'), limit: limitOf(200, 50) }),
  responses: {
    200: z.object({
      questions: z.array(unansweredQuestion),
      hidden: describe(count, 'Further questions of visitors who have not given consent.'),
    }),
  },
})

const questionParams = z.extend(aveeParams, { question_id: id })

export const answerQuestion = operation({
  method: 'POST',
  path: '/avees/:id/questions/:question_id/answer',
  tags,
  summary: 'Answer a question',
  description: 'Adds the answer to the avee’s documents and replies to the visitors who sent the question.',
  params: questionParams,
  body: z.object({
    answer: text(20_000),
    layer: describe(layer, 'Who may see the answer.'),
    question: z.optional(describe(text(1_000), 'The question in the owner’s words.')),
    keep: z._default(describe(z.boolean(), 'Adds the answer to the avee’s documents.'), true),
    reply: z._default(describe(z.boolean(), 'Replies to the visitors who sent the question.'), true),
  }),
  responses: { 200: z.object({ document_id: z.nullable(id), replies: count }) },
})

export const dismissQuestion = operation({
  method: 'POST',
  path: '/avees/:id/questions/:question_id/dismiss',
  tags,
  summary: 'Dismiss a question',
  params: questionParams,
  responses: { 200: ok },
})

export const aveeUpdate = component(
  'AveeUpdate',
  z.object({
    id,
    avee_id: id,
    layer,
    title: z.string(),
    text: z.string(),
    fresh: describe(z.boolean(), 'True while answers prefer the update.'),
    created_at: timestamp,
    updated_at: timestamp,
  }),
)
export type AveeUpdate = z.infer<typeof aveeUpdate>

const updateText = text(10_000)
const updateTitle = z.string().check(z.trim(), z.maxLength(200))
const updateParams = z.extend(aveeParams, { update_id: id })

export const createUpdate = operation({
  method: 'POST',
  path: '/avees/:id/updates',
  tags,
  summary: 'Post an update',
  params: aveeParams,
  body: z.object({
    text: updateText,
    layer: z._default(layer, 'public'),
    title: z.optional(updateTitle),
  }),
  responses: { 201: aveeUpdate },
})

export const listUpdates = operation({
  method: 'GET',
  path: '/avees/:id/updates',
  tags,
  summary: 'List the updates of an avee',
  description: 'Newest first; only updates within the caller’s layer.',
  params: aveeParams,
  responses: { 200: z.object({ updates: z.array(aveeUpdate) }) },
})

export const updateUpdate = operation({
  method: 'PATCH',
  path: '/avees/:id/updates/:update_id',
  tags,
  summary: 'Edit an update',
  params: updateParams,
  body: z.object({
    text: z.optional(updateText),
    layer: z.optional(layer),
    title: z.optional(updateTitle),
  }),
  responses: { 200: aveeUpdate },
})

export const deleteUpdate = operation({
  method: 'DELETE',
  path: '/avees/:id/updates/:update_id',
  tags,
  summary: 'Delete an update',
  audit: 'update.delete',
  params: updateParams,
  responses: { 200: ok },
})
