import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { ChatMessage, ChatModel, ChatRequest, TokenUsage, Tool } from './port.ts'
import { findCall } from './tool-calls.ts'

/** A longer call, for example with long arguments, is truncated and ignored. */
const maxChoiceTokens = 1_000
const answerDirectly = 'answer'

const choice = z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()).catch({}) })

/**
 * Enables a model without tool calls to use tools: it first selects a tool, as JSON with a schema, and answers once it
 * needs none. Calls and results are plain text in its prompt. A model without structured output gets no tools.
 */
export function guideTools(model: ChatModel): ChatModel {
  const { capabilities } = model
  if (capabilities.includes('tools')) return model
  return {
    ...model,
    capabilities: [...capabilities, 'tools'],
    async *stream(request, signal) {
      const { tools = [], toolChoice, ...rest } = request
      const plain: ChatRequest = { ...rest, messages: asText(request.messages) }
      const isContinuation = plain.messages.at(-1)?.role === 'assistant'
      const canChoose = capabilities.includes('json') && tools.length > 0 && toolChoice !== 'none'
      if (!canChoose || isContinuation) return yield* model.stream(plain, signal)

      let text = ''
      let spent: TokenUsage | undefined
      const choosing = {
        ...plain,
        messages: merge([...plain.messages, { role: 'user', content: instructionFor(tools) }]),
        responseFormat: { name: 'next_step', schema: schemaFor(tools) },
        maxTokens: maxChoiceTokens,
        stop: undefined,
      }
      for await (const part of model.stream(choosing, signal)) {
        if (part.type === 'text') text += part.text
        else if (part.type === 'finish') spent = part.usage
        else yield part
      }
      const chosen = parseChoice(text, tools)
      if (chosen) {
        yield { type: 'tool_call', id: `call_${randomUUID()}`, ...chosen }
        yield { type: 'finish', reason: 'tool_calls', usage: spent ?? unknownUsage }
        return
      }
      for await (const part of model.stream(plain, signal))
        yield part.type === 'finish' ? { ...part, usage: sumUsage(spent, part.usage) } : part
    },
  }
}

const unknownUsage: TokenUsage = { promptTokens: null, completionTokens: null }

const instructionFor = (tools: Tool[]) =>
  [
    'Before you answer, decide whether you need one of these tools:',
    ...tools.map(({ name, description }) => `- ${name}: ${description ?? ''}`),
    `Reply with JSON: {"tool": "<name>", "arguments": {…}}, or {"tool": "${answerDirectly}", "arguments": {}} if you can answer now.`,
  ].join('\n')

const schemaFor = (tools: Tool[]) => ({
  anyOf: [{ name: answerDirectly, parameters: undefined }, ...tools].map(({ name, parameters }) => ({
    type: 'object',
    properties: {
      tool: { type: 'string', enum: [name] },
      arguments: parameters ?? { type: 'object', properties: {}, additionalProperties: false },
    },
    required: ['tool', 'arguments'],
    additionalProperties: false,
  })),
})

/** Returns the selected call; undefined if the model answers or its output cannot be parsed. */
function parseChoice(text: string, tools: Tool[]): { name: string; arguments: string } | undefined {
  let parsed: z.ZodSafeParseResult<z.output<typeof choice>>
  try {
    parsed = choice.safeParse(JSON.parse(text))
  } catch {
    return undefined
  }
  const name = parsed.data?.tool
  return parsed.success && tools.some((tool) => tool.name === name)
    ? { name: parsed.data.tool, arguments: JSON.stringify(parsed.data.arguments) }
    : undefined
}

/** Returns messages in which the calls of tools and their results are text. */
const asText = (messages: ChatMessage[]): ChatMessage[] =>
  merge(
    messages.map(({ toolCalls = [], toolCallId, ...message }) => {
      if (message.role === 'tool') {
        const name = toolCallId === undefined ? undefined : findCall(messages, toolCallId)?.name
        return { ...message, role: 'user', content: `Result of ${name ?? 'the tool'}:\n${message.content}` }
      }
      const calls = toolCalls.map((call) => `Tool: ${call.name} ${call.arguments}`)
      return { ...message, content: [message.content, ...calls].filter(Boolean).join('\n') }
    }),
  )

/** Joins neighbouring messages of one role, because many chat templates reject them. */
function merge(messages: ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = []
  for (const message of messages) {
    const last = merged.at(-1)
    if (last?.role !== message.role || message.role === 'system') merged.push(message)
    else merged[merged.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` }
  }
  return merged
}

/** Adds the tokens of two requests; null when a count is unknown. */
export function sumUsage(total: TokenUsage | undefined, usage: TokenUsage): TokenUsage {
  if (!total) return usage
  const add = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b)
  const reasoningTokens = (total.reasoningTokens ?? 0) + (usage.reasoningTokens ?? 0)
  return {
    promptTokens: add(total.promptTokens, usage.promptTokens),
    completionTokens: add(total.completionTokens, usage.completionTokens),
    ...(reasoningTokens > 0 && { reasoningTokens }),
  }
}
