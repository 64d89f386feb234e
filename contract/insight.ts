import { z } from 'zod'
import { askAnswer, askParameters } from './chat.ts'
import { id, time } from './common.ts'
import { layer } from './layers.ts'

const share = z.number().min(0).max(1)
/** 0 is worst, 1 best; null where there was nothing to measure, never in the place of a number that failed. */
const score = share.nullable()
/** The same from 0 to 100. */
const percent = z.number().min(0).max(100).nullable()

/** A statement of an answer and the cited passage that comes nearest to saying it. */
export const supportedSentence = z.object({
  text: z.string(),
  support: share.describe('How much of the statement stands in the passage.'),
  citation: z.number().int().nullable().describe('The number of that passage: [1].'),
  supported: z.boolean(),
})

export const qualityScores = z
  .object({
    relevance_score: share.describe(
      'Does the answer speak about what was asked? 1 where nothing was asked that it could miss.',
    ),
    engagement_score: share.describe('Is it of a fitting length, not repeating itself, and does it go on?'),
    factual_grounding: share.describe(
      'Which part of its statements the cited passages support: 0 where it has none, or was given no passage.',
    ),
    issues: z
      .array(z.string())
      .describe('What is wrong, a sentence each; statements without support among them.'),
    suggestions: z.array(z.string()).describe('What would help, a sentence each.'),
    sentences: z.array(supportedSentence),
    measured_by: z.string().describe('`words`, `embeddings`, or the name of the judging model.'),
  })
  .meta({ id: 'QualityScores' })
export type QualityScores = z.infer<typeof qualityScores>

/** What is worked out about one turn. */
export const turnIntelligence = z.object({
  quality_scores: qualityScores,
  topics: z.array(z.string()),
  follow_up_suggestions: z
    .array(z.string())
    .describe('Questions that the documents can answer, at most three.'),
  conversation_title: z.string().nullable(),
})
export type TurnIntelligence = z.infer<typeof turnIntelligence>

/** The event of a stream that tells it, before `complete`, when it is ready at once. */
export const intelligenceEvent = turnIntelligence.extend({ event: z.literal('intelligence'), message_id: id })

export const askV2Parameters = askParameters.extend({
  extract_memories: z.union([z.boolean(), z.stringbool()]).optional(),
})
export const askV2Answer = askAnswer.extend({
  ...turnIntelligence.shape,
  memories_extracted: z.number().int(),
})

export const turnQuality = z.object({
  message_id: id,
  created_at: time,
  relevance: score,
  engagement: score,
  factual_grounding: score,
  response_time: z.number().nullable().describe('Seconds from the question to the whole answer.'),
  answered: z.boolean().describe('False when the documents did not answer.'),
  vote: z.enum(['up', 'down']).nullable(),
  issues: z.array(z.string()),
})

/** GET /chat/{id}/intelligence */
export const intelligence = z
  .object({
    conversation_id: id,
    title: z.string().nullable(),
    metrics: z.object({
      total_turns: z.number().int(),
      avg_user_message_length: z.number().nullable().describe('Characters.'),
      avg_response_time: z.number().nullable().describe('Seconds.'),
      conversation_depth: z.number().int().describe('Messages on the branch that is shown.'),
      user_satisfaction_estimate: score.describe(
        'From thumbs, repeated questions, stops and thanks; null before the first turn.',
      ),
    }),
    topics: z.array(z.string()),
    average_quality: z.object({ relevance: percent, engagement: percent, factual_grounding: percent }),
    follow_up_suggestions: z.array(z.string()),
    quality_by_turn: z.array(turnQuality).describe('Oldest first, the latest 200.'),
    total_messages: z.number().int().describe('Messages on all branches.'),
  })
  .meta({ id: 'Intelligence' })
export type Intelligence = z.infer<typeof intelligence>

export const vote = z.enum(['up', 'down'])
export type Vote = z.infer<typeof vote>
export const feedbackBody = z.object({ vote: vote.nullable(), note: z.string().trim().max(2_000).optional() })
export const feedback = z.object({ message_id: id, vote: vote.nullable(), note: z.string() })
export const feedbackList = z.object({ feedback: z.array(feedback) })

/** What an avee's owner has switched on for its visitors. */
export const aveeSharing = z.object({
  share_unanswered: z
    .boolean()
    .describe(
      'Questions that the avee could not answer are shown to its owner, without a name, once the person was told.',
    ),
  allow_pass_on: z.boolean().describe('Visitors may send a question to the owner.'),
})
export type AveeSharing = z.infer<typeof aveeSharing>
export const patchAveeSharing = aveeSharing.partial()
/** The same as a visitor meets it; `my_choice` is null until they have been told. */
export const mySharing = aveeSharing.extend({ my_choice: z.boolean().nullable() })
export const putMySharing = z.object({
  share: z.boolean().describe('Sent by who has been told: true when it may be so, false when not.'),
})

export const passOnBody = z.object({ note: z.string().trim().max(1_000).optional() }).nullish()
export const passedOn = z.object({ question_id: id, message_id: id, passed_on_at: time })

export const questionState = z.enum(['open', 'answered', 'dismissed'])
export type QuestionState = z.infer<typeof questionState>
/** Questions in about the same words that an avee could not answer. */
export const unansweredQuestion = z
  .object({
    id,
    question: z
      .string()
      .nullable()
      .describe('In the words of who asked first; null when nobody who asked has agreed to its being shown.'),
    count: z.number().int(),
    layer: layer.describe('The widest layer at which it was asked.'),
    reason: z
      .enum(['no_passage', 'said_so', 'passed_on'])
      .describe('No passage fitted, the answer itself said that it did not know, or somebody passed it on.'),
    state: questionState,
    passed_on: z.array(
      z.object({
        from: z.string(),
        question: z.string(),
        note: z.string(),
        passed_on_at: time,
        replied: z.boolean(),
      }),
    ),
    first_asked: z.iso.date(),
    last_asked: z.iso.date(),
    document_id: id.nullable(),
  })
  .meta({ id: 'UnansweredQuestion' })
export type UnansweredQuestion = z.infer<typeof unansweredQuestion>
export const questionQuery = z.object({
  state: questionState.default('open'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
export const questionList = z.object({
  questions: z.array(unansweredQuestion),
  hidden: z.number().int().describe('Further questions of people who have not agreed to their being shown.'),
})
export const answerQuestionBody = z.object({
  answer: z.string().trim().min(1).max(20_000),
  layer: layer.describe('Who may be told.'),
  question: z.string().trim().min(1).max(1_000).optional().describe('The question in your words.'),
  keep: z.boolean().default(true).describe('Add it to the avee’s knowledge.'),
  reply: z.boolean().default(true).describe('Send it to those who passed the question on.'),
})
export const answeredQuestion = z.object({ document_id: id.nullable(), replies: z.number().int() })

export const aveeUpdate = z
  .object({
    id,
    avee_id: id,
    layer,
    title: z.string(),
    text: z.string(),
    fresh: z.boolean().describe('Answers prefer it while it is.'),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'AveeUpdate' })
export type AveeUpdate = z.infer<typeof aveeUpdate>
const updateText = z.string().trim().min(1).max(10_000)
const updateTitle = z.string().trim().max(200)
export const newUpdateBody = z.object({
  text: updateText,
  layer: layer.default('public'),
  title: updateTitle.optional(),
})
export const patchUpdateBody = z.object({
  text: updateText.optional(),
  layer: layer.optional(),
  title: updateTitle.optional(),
})
export const updateList = z.object({ updates: z.array(aveeUpdate) })

export const insightQuery = z.object({ days: z.coerce.number().int().min(1).max(365).default(30) })
const count = z.number().int()
/** GET /avees/{id}/insight: an avee's conversations as numbers, for its owner. */
export const aveeInsight = z
  .object({
    days: count,
    /** Own turns always count; those of others where they are of at least this many people. */
    least_people: count,
    totals: z.object({
      turns: count,
      conversations: count,
      answered: count,
      unanswered: count,
      thumbs_up: count,
      thumbs_down: count,
      relevance: percent,
      engagement: percent,
      factual_grounding: percent,
      avg_response_time: z.number().nullable(),
    }),
    withheld: z.boolean().describe('True when turns of too few people were left out somewhere.'),
    by_day: z.array(
      z.object({
        day: z.iso.date(),
        turns: count,
        unanswered: count,
        relevance: percent,
        factual_grounding: percent,
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
  })
  .meta({ id: 'AveeInsight' })
export type AveeInsight = z.infer<typeof aveeInsight>
