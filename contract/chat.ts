import * as z from 'zod/mini'
import { imagesTo, questionAttachments } from './attachments.ts'
import { exampleDialogue } from './avees.ts'
import { aveeParams, component, describe, id, idempotencyHeaders, shortText } from './common.ts'
import { turnAnalysis } from './insight.ts'
import { answerability } from './knowledge.ts'
import { layer } from './layers.ts'
import { usedMemory } from './memory.ts'
import { answerDetails, citation, toolCalls, usage } from './messages.ts'
import { operation } from './operation.ts'
import { runEvents } from './runs.ts'
import { toolCall } from './tools.ts'

/** The events of an answer: start, token …, complete. A stopped or failed answer ends with that event instead. */
export const answerEvents = {
  ...runEvents,
  start: component(
    'StartEvent',
    z.object({
      event: z.literal('start'),
      model: z.string(),
      run_id: id,
      message_id: id,
      user_message_id: id,
      conversation_id: id,
      layer_used: layer,
      provider: z.string(),
      model_reason: z.string(),
    }),
  ),
  waiting: component(
    'WaitingEvent',
    z.object({
      event: z.literal('waiting'),
      message: describe(
        z.string(),
        'Why the first token is delayed, for example by a loading model or a rate limit.',
      ),
    }),
  ),
  queued: component(
    'QueuedEvent',
    z.object({
      event: z.literal('queued'),
      position: describe(z.int(), 'The position in the queue of the model server, from 1.'),
      wait_ms: describe(z.nullable(z.int()), 'The expected wait; null before the first answer of the model.'),
    }),
  ),
  reasoning: component(
    'ReasoningEvent',
    z.object({
      reasoning: describe(z.string(), 'A part of the reasoning of the model; not part of the answer.'),
    }),
  ),
  token: component('TokenEvent', z.object({ token: z.string() })),
  tool: component(
    'ToolEvent',
    describe(
      z.extend(toolCall, { event: z.literal('tool') }),
      'The state of a call. Each new state of a call is a separate event.',
    ),
  ),
  intelligence: component(
    'IntelligenceEvent',
    z.extend(turnAnalysis, { event: z.literal('intelligence'), message_id: id }),
  ),
  complete: component(
    'CompleteEvent',
    z.object({
      event: z.literal('complete'),
      message_id: id,
      total_tokens: z.int(),
      usage,
      finish_reason: z.string(),
      citations: z.array(citation),
      memories: z.array(usedMemory),
      answerable: describe(
        z.optional(answerability),
        'Whether the documents answer the question; missing if they were not searched.',
      ),
      ...answerDetails,
      tool_calls: toolCalls,
    }),
  ),
}

const chatTags = ['chat'] as const
const messageParams = z.object({ id, message_id: id })

const questionParameters = z.object({
  conversation_id: z.optional(z.string()),
  question: z.optional(z.string()),
  use_gpt4o: z.optional(
    describe(z.union([z.boolean(), z.stringbool()]), 'Uses the stronger model (`CHAT_MODEL_STRONG`).'),
  ),
  model: z.optional(shortText(300)),
  local_only: z.optional(
    describe(
      z.union([z.boolean(), z.stringbool()]),
      'Makes the conversation local only: from now on, nothing from it is sent to a model outside the private network.',
    ),
  ),
})
const questionV2Parameters = z.extend(questionParameters, {
  extract_memories: z.optional(z.union([z.boolean(), z.stringbool()])),
})
const inBody = { attachments: questionAttachments, images_to: imagesTo }
const parameterDescription =
  'Parameters are accepted in the body or in the query string. Prefer the body: URLs appear in logs.'

const answer = z.object({
  conversation_id: id,
  layer_used: layer,
  answer: z.string(),
  used_chunks: z.int(),
  used_persona: z.boolean(),
  message_id: id,
  model_used: z.string(),
  citations: z.array(citation),
})

export const askQuestion = operation({
  method: 'POST',
  path: '/chat/ask',
  work: 'questions',
  tags: chatTags,
  summary: 'Ask a question and wait for the answer',
  access: 'visitor',
  scope: 'chat',
  description: parameterDescription,
  headers: idempotencyHeaders,
  query: questionParameters,
  body: z.optional(z.extend(questionParameters, inBody)),
  responses: { 200: answer },
})

export const askQuestionV2 = operation({
  method: 'POST',
  path: '/chat/ask-v2',
  work: 'questions',
  tags: chatTags,
  summary: 'Ask a question and wait for the answer and its analysis',
  scope: 'chat',
  description: parameterDescription,
  headers: idempotencyHeaders,
  query: questionV2Parameters,
  body: z.optional(z.extend(questionV2Parameters, inBody)),
  responses: { 200: z.extend(z.extend(answer, turnAnalysis.shape), { memories_extracted: z.int() }) },
})

export const streamAnswer = operation({
  method: 'POST',
  path: '/chat/stream',
  work: 'questions',
  tags: chatTags,
  summary: 'Ask a question and stream the answer',
  access: 'visitor',
  scope: 'chat',
  description: `${parameterDescription} The run continues if the connection ends; GET /runs/{id}/events resumes the stream.`,
  headers: idempotencyHeaders,
  query: questionParameters,
  body: z.optional(z.extend(questionParameters, inBody)),
  events: answerEvents,
})

export const regenerateAnswer = operation({
  method: 'POST',
  path: '/conversations/:id/messages/:message_id/regenerate',
  work: 'questions',
  tags: chatTags,
  summary: 'Regenerate an answer and stream it',
  access: 'visitor',
  scope: 'chat',
  description: 'Adds a sibling of the answer; the previous answer is kept.',
  params: messageParams,
  headers: idempotencyHeaders,
  body: z.optional(
    z.object({
      use_gpt4o: z.optional(z.boolean()),
      model: z.optional(shortText(300)),
      local_only: z.optional(z.boolean()),
      images_to: imagesTo,
      continue: z.optional(
        describe(
          z.boolean(),
          'Begins with the text of the answer, which was stopped, failed or reached the token limit, and continues it.',
        ),
      ),
    }),
  ),
  events: answerEvents,
})

export const editQuestion = operation({
  method: 'POST',
  path: '/conversations/:id/messages/:message_id/edit',
  work: 'questions',
  tags: chatTags,
  summary: 'Edit a question and stream its answer',
  access: 'visitor',
  scope: 'chat',
  description:
    'Adds a sibling of the question; the previous question and its answers are kept. Without `attachments`, it has those of the previous one.',
  params: messageParams,
  headers: idempotencyHeaders,
  body: z.object({
    content: z.string(),
    ...inBody,
    use_gpt4o: z.optional(z.boolean()),
    local_only: z.optional(z.boolean()),
  }),
  events: answerEvents,
})

export const tryAvee = operation({
  method: 'POST',
  path: '/avees/:id/trial',
  work: 'questions',
  tags: chatTags,
  summary: 'Try an avee as a person with access up to a layer',
  scope: 'chat',
  description:
    'For the owner. The answer uses the documents visible at that layer, and no memories. Only the run is stored; its events contain message ids, but the messages do not exist.',
  params: aveeParams,
  body: z.object({
    question: z.string(),
    layer,
    persona: describe(
      z.optional(shortText(40_000)),
      'Replaces that of the avee, to try it before it is saved.',
    ),
    example_dialogue: z.optional(exampleDialogue),
    history: z.optional(
      z
        .array(z.object({ role: z.enum(['user', 'assistant']), content: shortText(40_000) }))
        .check(z.maxLength(20)),
    ),
  }),
  events: answerEvents,
})
