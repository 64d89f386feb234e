import type { ChatMessage, ChatRequest, ToolChoice } from '../port.ts'
import { parseArguments } from '../tool-calls.ts'

/** The protocol requires a limit; every model of Anthropic supports at least this many tokens (models overview). */
const defaultMaxTokens = 8_192
/** The tool whose arguments are an answer in JSON. */
export const jsonTool = 'json'

type Block = Record<string, unknown> & { type: string }

/** Returns the body of a request to `/messages`. An answer in JSON is requested as a call of a tool. */
export function buildAnthropicBody(model: string, request: ChatRequest) {
  const { messages, tools = [], toolChoice, responseFormat, stop = [] } = request
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
  const offered = [
    ...tools.map(({ name, description, parameters }) => ({
      name,
      ...(description !== undefined && { description }),
      input_schema: parameters ?? { type: 'object', properties: {} },
    })),
    ...(responseFormat
      ? [
          {
            name: jsonTool,
            description: 'Gives the answer.',
            input_schema: responseFormat.schema ?? { type: 'object' },
          },
        ]
      : []),
  ]
  const choice = responseFormat ? (tools.length > 0 ? 'required' : { name: jsonTool }) : toolChoice
  return {
    model,
    max_tokens: request.maxTokens ?? defaultMaxTokens,
    ...(system.length > 0 && { system: system.join('\n\n') }),
    messages: toTurns(messages),
    stream: true,
    ...(request.temperature !== undefined && { temperature: Math.min(1, request.temperature) }),
    ...(request.topP !== undefined && { top_p: request.topP }),
    ...(stop.length > 0 && { stop_sequences: stop }),
    ...(offered.length > 0 && { tools: offered }),
    ...(offered.length > 0 && choice !== undefined && { tool_choice: toChoice(choice) }),
  }
}

/** Joins neighbouring messages of one role; the first one is of the user. Omits empty texts, which the API rejects. */
function toTurns(messages: ChatMessage[]) {
  const turns: { role: 'user' | 'assistant'; content: Block[] }[] = []
  for (const message of messages) {
    if (message.role === 'system') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = toBlocks(message)
    if (blocks.length === 0) continue
    if (turns.length === 0 && role === 'assistant')
      turns.push({ role: 'user', content: [{ type: 'text', text: '…' }] })
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else turns.push({ role, content: blocks })
  }
  return turns
}

function toBlocks({ role, content, images = [], toolCalls = [], toolCallId }: ChatMessage): Block[] {
  if (role === 'tool') return [{ type: 'tool_result', tool_use_id: toolCallId, content }]
  return [
    ...images.map(({ mediaType, data }) => ({
      type: 'image',
      source: { type: 'base64', media_type: mediaType, data },
    })),
    ...(content.trim() === '' ? [] : [{ type: 'text', text: content }]),
    ...toolCalls.map((call) => ({
      type: 'tool_use',
      id: call.id,
      name: call.name,
      input: parseArguments(call),
    })),
  ]
}

const choices = { auto: 'auto', none: 'none', required: 'any' }
const toChoice = (choice: ToolChoice) =>
  typeof choice === 'string' ? { type: choices[choice] } : { type: 'tool', name: choice.name }
