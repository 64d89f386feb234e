import type { ChatMessage, ChatModel, ChatRequest, TokenUsage, ToolCall } from '../models/index.ts'
import type { RunContext } from '../runs/index.ts'
import type { ChatEvents } from './events.ts'
import { removeOverlap } from './overlap.ts'
import { surrogateBuffer } from './surrogate-buffer.ts'

export type Generated = {
  content: string
  toolCalls: ToolCall[]
  usage: TokenUsage
  finishReason: string
}

const continueInstruction =
  'You were interrupted. Continue your last message exactly where it stopped, without repeating any of it and without a remark about the interruption.'

/**
 * Streams one answer into the log of a run. `begun` is the text that the log holds already: the model continues it.
 * Nothing is emitted before `ready`.
 */
export async function generate(
  { emit, signal }: Pick<RunContext<unknown>, 'emit' | 'signal'>,
  model: ChatModel,
  request: ChatRequest,
  { begun, ready }: { begun: string; ready?: Promise<void> },
): Promise<Generated> {
  let content = begun
  const overlap = removeOverlap(model.continuation === 'exact' ? '' : content)
  const characters = surrogateBuffer()
  const emitText = async (piece: string, isLast = false) => {
    const token = characters.add(piece) + (isLast ? characters.end() : '')
    if (token === '') return
    content += token
    await emit({ token } satisfies ChatEvents['token'])
  }
  const messages = withContinuation(request.messages, content, model)
  let usage: TokenUsage = { promptTokens: null, completionTokens: null }
  let finishReason = 'stop'
  const toolCalls: ToolCall[] = []
  for await (const part of model.stream({ ...request, messages }, signal)) {
    await ready
    if (part.type === 'text') {
      await emitText(overlap.add(part.text))
    } else if (part.type === 'waiting') {
      await emit({ event: 'waiting', message: part.message } satisfies ChatEvents['waiting'])
    } else if (part.type === 'tool_call') {
      const { type: _type, ...call } = part
      toolCalls.push(call)
    } else if (part.type === 'finish') {
      usage = part.usage
      finishReason = part.reason
    }
  }
  await ready
  await emitText(overlap.end(), true)
  return { content, toolCalls, usage, finishReason }
}

/** The prompt of an answer that has `content` already and is to be continued. */
function withContinuation(messages: ChatMessage[], content: string, model: ChatModel): ChatMessage[] {
  if (content === '') return messages
  const begun: ChatMessage = { role: 'assistant', content }
  return model.continuation === 'instruct'
    ? [...messages, begun, { role: 'user', content: continueInstruction }]
    : [...messages, begun]
}
