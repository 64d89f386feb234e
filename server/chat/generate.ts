import type {
  AnsweredBy,
  ChatMessage,
  ChatModel,
  ChatRequest,
  TokenUsage,
  ToolCall,
} from '../models/index.ts'
import type { RunContext } from '../runs/index.ts'
import type { ChatEvents } from './events.ts'
import { removeOverlap } from './overlap.ts'
import { surrogateBuffer } from './surrogate-buffer.ts'

export type Generated = {
  content: string
  /** The reasoning of the model; not part of the content. */
  reasoning: string
  toolCalls: ToolCall[]
  usage: TokenUsage
  finishReason: string
  by: AnsweredBy | undefined
}

const continueInstruction =
  'You were interrupted. Continue your last message exactly where it stopped, without repeating any of it and without a remark about the interruption.'

/**
 * Streams one answer into the log of a run. The model continues `begun`, the text that the log already contains.
 * Nothing is emitted before `ready`.
 */
export async function generate(
  { emit, signal }: Pick<RunContext<unknown>, 'emit' | 'signal'>,
  model: ChatModel,
  request: ChatRequest,
  { begun, ready, onFirstToken }: { begun: string; ready?: Promise<void>; onFirstToken?: () => void },
): Promise<Generated> {
  let content = begun
  const overlap = removeOverlap(model.continuation === 'exact' ? '' : content)
  const characters = surrogateBuffer()
  const emitText = async (piece: string, isLast = false) => {
    const token = characters.add(piece) + (isLast ? characters.end() : '')
    if (token === '') return
    if (content === begun) onFirstToken?.()
    content += token
    await emit({ token } satisfies ChatEvents['token'])
  }
  let reasoning = ''
  const thoughts = surrogateBuffer()
  const emitThought = async (piece: string) => {
    if (piece === '') return
    reasoning += piece
    await emit({ reasoning: piece } satisfies ChatEvents['reasoning'])
  }
  const messages = withContinuation(request.messages, content, model)
  let usage: TokenUsage = { promptTokens: null, completionTokens: null }
  let finishReason = 'stop'
  const toolCalls: ToolCall[] = []
  let by: AnsweredBy | undefined
  for await (const part of model.stream({ ...request, messages }, signal)) {
    await ready
    if (part.type === 'text') {
      await emitText(overlap.add(part.text))
    } else if (part.type === 'thinking') {
      await emitThought(thoughts.add(part.text))
    } else if (part.type === 'queued') {
      const { position, waitMs } = part
      await emit({ event: 'queued', position, wait_ms: waitMs } satisfies ChatEvents['queued'])
    } else if (part.type === 'waiting') {
      await emit({ event: 'waiting', message: part.message } satisfies ChatEvents['waiting'])
    } else if (part.type === 'tool_call') {
      const { type: _type, ...call } = part
      toolCalls.push(call)
    } else if (part.type === 'finish') {
      usage = part.usage
      finishReason = part.reason
      by = part.by
    }
  }
  await ready
  await emitThought(thoughts.end())
  await emitText(overlap.end(), true)
  return { content, reasoning, toolCalls, usage, finishReason, by }
}

/** Returns the prompt for continuing an answer whose text so far is `content`. */
function withContinuation(messages: ChatMessage[], content: string, model: ChatModel): ChatMessage[] {
  if (content === '') return messages
  const begun: ChatMessage = { role: 'assistant', content }
  return model.continuation === 'instruct'
    ? [...messages, begun, { role: 'user', content: continueInstruction }]
    : [...messages, begun]
}
