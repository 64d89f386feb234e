import type { infer as Infer } from 'zod/mini'
import type { answerEvents } from '../../contract/chat.ts'
import type { Layer } from '../../contract/layers.ts'
import type { CitedPassage } from '../../contract/messages.ts'
import type { Failure } from '../../contract/runs.ts'
import { latestCalls, type ToolCall } from '../../contract/tools.ts'
import type { ToolCall as ClientToolCall } from '../models/index.ts'
import type { EventBody, Frame, Renderer } from '../runs/index.ts'

type AnswerEvents = typeof answerEvents

/** The rows of a turn; none if the answer is not part of a conversation. */
export type StoredIds = { conversation_id?: string; user_message_id?: string; message_id?: string }

/** The canonical events of an answer by name, as its run log stores them. */
export type ChatEvents = {
  /** A plain model has no layer. */
  start: Omit<Infer<AnswerEvents['start']>, keyof StoredIds | 'layer_used'> &
    StoredIds & { layer_used?: Layer }
  waiting: Infer<AnswerEvents['waiting']>
  queued: Infer<AnswerEvents['queued']>
  reasoning: Infer<AnswerEvents['reasoning']>
  token: Infer<AnswerEvents['token']>
  tool: Infer<AnswerEvents['tool']>
  complete: Omit<Infer<AnswerEvents['complete']>, 'message_id'> &
    Pick<StoredIds, 'message_id'> & {
      /** Calls of the client's tools, at the end of the answer or in place of it. */
      client_tool_calls?: ClientToolCall[]
    }
  stopped: { event: 'stopped'; message_id?: string }
  /** Has no `event` and `message_id` if the run log ended the turn. */
  error: { error: Failure; event?: 'error'; message_id?: string }
  /** Written by the run log when a run continues after a takeover. */
  resumed: Infer<AnswerEvents['resumed']>
}

/** The complete event as its log stores it. Readers get the citations that they may see, see `turnKind`. */
export type StoredComplete = Omit<ChatEvents['complete'], 'citations'> & { citations: CitedPassage[] }

/** The answer of a log, and the rendering options of its asker. */
export type RenderedAnswer = Rendering & {
  readonly runId: string
  readonly conversationId?: string
  readonly messageId?: string
  /** The one in the latest start event, or the requested one. */
  model: string
  readonly createdAt: Date
}

/** Rendering options of the asker of a run. */
export type Rendering = {
  /** The model name to report in the protocol, instead of the one that answered. */
  readonly modelName?: string | undefined
  /** False omits the frame of the usage, if the protocol has this option. */
  readonly includesUsage?: boolean | undefined
}

/**
 * Creates the renderer of one log: the frames that a protocol sends for each canonical event. Events without a function
 * are omitted.
 */
export type Protocol = (answer: Readonly<RenderedAnswer>) => {
  [Name in keyof ChatEvents]?: (event: ChatEvents[Name]) => Frame[]
}

/** Renders the log of one answer in a protocol. */
export function protocolRenderer(protocol: Protocol, answer: RenderedAnswer): Renderer {
  const current = { ...answer, model: answer.modelName ?? answer.model }
  const frames = protocol(current)
  return (event) => {
    const name = nameOf(event)
    if (name === 'start' && answer.modelName === undefined)
      current.model = (event as ChatEvents['start']).model
    return (frames[name] as ((event: EventBody) => Frame[]) | undefined)?.(event) ?? []
  }
}

/** Joins the tokens of a log. */
export const textOf = (events: EventBody[]): string =>
  events.map((event) => (isToken(event) ? event.token : '')).join('')

/** Joins the reasoning in a log. */
export const reasoningOf = (events: EventBody[]): string =>
  events.map((event) => (isReasoning(event) ? event.reasoning : '')).join('')
/** Returns the tool calls in a log, each in its latest state. */
export const toolCallsOf = (events: EventBody[]): ToolCall[] =>
  latestCalls(events.flatMap((event) => (isToolEvent(event) ? [toCall(event)] : [])))

/** Marks calls that did not end before their answer as failed. */
export const endedCalls = (calls: ToolCall[]): ToolCall[] =>
  calls.map((call) =>
    call.status === 'done' || call.status === 'failed'
      ? call
      : { ...call, status: 'failed', result: { text: 'The answer ended before the call.' } },
  )

export const toCall = ({ event: _event, ...call }: ChatEvents['tool']): ToolCall => call

/** Merges two consecutive text events into one. */
export function mergeTokens(
  first: EventBody,
  second: EventBody,
): ChatEvents['token'] | ChatEvents['reasoning'] | undefined {
  if (isToken(first) && isToken(second)) return { token: first.token + second.token }
  if (isReasoning(first) && isReasoning(second)) return { reasoning: first.reasoning + second.reasoning }
  return undefined
}

function nameOf(event: EventBody): keyof ChatEvents {
  if (isToken(event)) return 'token'
  if (isReasoning(event)) return 'reasoning'
  return (event['event'] as keyof ChatEvents | undefined) ?? 'error'
}

export const isToolEvent = (event: EventBody): event is ChatEvents['tool'] => event['event'] === 'tool'

export const isToken = (event: EventBody): event is ChatEvents['token'] => typeof event['token'] === 'string'

const isReasoning = (event: EventBody): event is ChatEvents['reasoning'] =>
  typeof event['reasoning'] === 'string'
