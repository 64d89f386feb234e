import * as z from 'zod/mini'
import { aveeParams, component, describe, fraction, id, idParams, ok, timestamp } from './common.ts'
import { operation } from './operation.ts'

const nullableFraction = describe(z.nullable(fraction), '0 to 1; null if there was nothing to measure.')
/** 0 to 100; null if there was nothing to measure. */
export const percentage = z.nullable(z.number().check(z.minimum(0), z.maximum(100)))

export const vote = z.enum(['up', 'down'])
export type Vote = z.infer<typeof vote>

const qualityScores = component(
  'QualityScores',
  z.object({
    relevance_score: describe(fraction, 'How well the answer addresses the question.'),
    engagement_score: describe(
      fraction,
      'The share of the answer’s terms that are distinct and new in the conversation; 0 if the question was not answered.',
    ),
    factual_grounding: describe(
      fraction,
      'The share of statements that the cited passages support; 0 without statements or passages.',
    ),
    issues: describe(z.array(z.string()), 'Problems of the answer, such as unsupported statements.'),
    suggestions: describe(z.array(z.string()), 'What would improve the answer.'),
    sentences: describe(
      z.array(
        z.object({
          text: z.string(),
          support: describe(fraction, 'How much of the statement the passage supports.'),
          citation: describe(z.nullable(z.int()), 'The number of the passage: [1].'),
          supported: z.boolean(),
        }),
      ),
      'The statements of the answer, each with the passage that supports it best.',
    ),
    measured_by: describe(z.string(), '`words`: the scores compare words.'),
  }),
)

/** The analysis of one question and its answer. */
export const turnAnalysis = z.object({
  quality_scores: qualityScores,
  topics: z.array(z.string()),
  follow_up_suggestions: describe(
    z.array(z.string()),
    'At most three questions that the documents can answer.',
  ),
  conversation_title: z.nullable(z.string()),
})
export type TurnAnalysis = z.infer<typeof turnAnalysis>

const conversationAnalysis = component(
  'ConversationAnalysis',
  z.object({
    conversation_id: id,
    title: z.nullable(z.string()),
    metrics: z.object({
      total_turns: z.int(),
      avg_user_message_length: describe(z.nullable(z.number()), 'Characters.'),
      avg_response_time: describe(z.nullable(z.number()), 'Seconds.'),
      conversation_depth: describe(z.int(), 'Messages of the active branch.'),
      user_satisfaction_estimate: describe(
        nullableFraction,
        'Estimated from votes, unanswered questions, and stopped, regenerated or failed answers; null before the first turn.',
      ),
    }),
    topics: z.array(z.string()),
    average_quality: z.object({
      relevance: percentage,
      engagement: percentage,
      factual_grounding: percentage,
    }),
    follow_up_suggestions: z.array(z.string()),
    quality_by_turn: describe(
      z.array(
        z.object({
          message_id: id,
          created_at: timestamp,
          relevance: nullableFraction,
          engagement: nullableFraction,
          factual_grounding: nullableFraction,
          response_time: describe(z.nullable(z.number()), 'Seconds from the question to the last token.'),
          answered: describe(z.boolean(), 'False if the documents do not answer the question.'),
          vote: z.nullable(vote),
          issues: z.array(z.string()),
        }),
      ),
      'The latest 200 turns, oldest first.',
    ),
    total_messages: describe(z.int(), 'Messages of all branches.'),
    cost: z.optional(
      describe(
        z.number(),
        'The cost of the answers on all branches, by the prices of their providers; missing if no price is known.',
      ),
    ),
  }),
)
export type ConversationAnalysis = z.infer<typeof conversationAnalysis>

export const getConversationAnalysis = operation({
  method: 'GET',
  path: '/chat/:id/intelligence',
  tags: ['chat'],
  summary: 'Get the analysis of a conversation',
  description: 'Metrics, topics, quality of each turn and follow-up suggestions.',
  params: idParams,
  responses: { 200: conversationAnalysis },
})

const tags = ['insight'] as const

export const getTurnAnalysis = operation({
  method: 'GET',
  path: '/messages/:id/intelligence',
  tags,
  summary: 'Get the analysis of an answer',
  access: 'visitor',
  params: idParams,
  responses: { 200: turnAnalysis },
})

const feedback = z.object({ message_id: id, vote: z.nullable(vote), note: z.string() })

export const setFeedback = operation({
  method: 'PUT',
  path: '/messages/:id/feedback',
  tags,
  summary: 'Set or remove feedback on an answer',
  scope: 'chat',
  params: idParams,
  body: z.object({
    vote: describe(z.nullable(vote), 'Null removes the feedback.'),
    note: z.optional(z.string().check(z.trim(), z.maxLength(2_000))),
  }),
  responses: { 200: feedback },
})

export const listFeedback = operation({
  method: 'GET',
  path: '/conversations/:id/feedback',
  tags,
  summary: 'List the caller’s feedback in a conversation',
  params: idParams,
  responses: { 200: z.object({ feedback: z.array(feedback) }) },
})

export const passOnQuestion = operation({
  method: 'POST',
  path: '/messages/:id/pass-on',
  tags,
  summary: 'Send a question to the owner of the avee',
  scope: 'chat',
  description:
    'The id is that of the question or of its answer. The owner sees the caller’s name. The reply appears as a message in the conversation.',
  params: idParams,
  body: z.optional(z.object({ note: z.optional(z.string().check(z.trim(), z.maxLength(1_000))) })),
  responses: { 200: z.object({ question_id: id, message_id: id, passed_on_at: timestamp }) },
})

/** What the owner of an avee has enabled for its visitors. */
export const visitorSettings = z.object({
  share_unanswered: describe(
    z.boolean(),
    'Shows unanswered questions to the owner, without names and only with the consent of the visitor.',
  ),
  allow_pass_on: describe(z.boolean(), 'Allows visitors to send a question to the owner.'),
})
export type VisitorSettings = z.infer<typeof visitorSettings>

export const listStarters = operation({
  method: 'GET',
  path: '/avees/:id/conversation-starters',
  tags,
  summary: 'List suggested first questions for an avee',
  access: 'visitor',
  description:
    'Up to four: the `example_questions` that its owner has set, or questions that documents visible to the caller answer.',
  params: aveeParams,
  responses: { 200: z.object({ questions: z.array(z.string()) }) },
})

export const getConsent = operation({
  method: 'GET',
  path: '/avees/:id/sharing',
  tags,
  summary: 'Get whether the owner of an avee may see the caller’s unanswered questions',
  params: aveeParams,
  responses: {
    200: z.extend(visitorSettings, {
      my_choice: describe(z.nullable(z.boolean()), 'Null until the caller has decided.'),
    }),
  },
})

export const setConsent = operation({
  method: 'PUT',
  path: '/avees/:id/sharing',
  tags,
  summary: 'Give or withdraw consent to show the caller’s unanswered questions to the owner of an avee',
  scope: 'chat',
  description:
    'Withdrawing also hides questions shown before, except those that the caller sent to the owner.',
  params: aveeParams,
  body: z.object({ share: z.boolean() }),
  responses: { 200: ok },
})
