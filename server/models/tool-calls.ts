import { invalidToolArguments } from './errors.ts'
import type { ChatMessage, Tool, ToolCall } from './port.ts'

/** Limits the length of the arguments of the calls of one answer. */
export const maxCallCharacters = 1_000_000

/** Returns a tool in the form of the APIs of OpenAI and Ollama. */
export const toFunctionTool = ({ name, description, parameters }: Tool) => ({
  type: 'function' as const,
  function: { name, description, parameters: parameters ?? { type: 'object', properties: {} } },
})

/** Finds the call that a tool message answers. */
export const findCall = (messages: ChatMessage[], id: string): ToolCall | undefined =>
  messages.flatMap(({ toolCalls = [] }) => toolCalls).findLast((call) => call.id === id)

/** Returns the arguments of a call as an object, for protocols that take no text. @throws invalid_tool_arguments */
export function parseArguments(call: ToolCall): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(call.arguments || '{}')
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>
  } catch {
    // Not JSON.
  }
  throw invalidToolArguments(call.name)
}
