import { unsupportedByModel } from './errors.ts'
import type { Capability, ChatModel, ChatRequest, OptionalParameter } from './port.ts'

/** @throws model_unsupported, which names the first field of the request that the model cannot do */
export function checkRequest(model: ChatModel, request: ChatRequest): void {
  const { messages, tools = [], toolChoice } = request
  const needed: [field: string, Capability, boolean][] = [
    ['images', 'vision', messages.some(({ images = [] }) => images.length > 0)],
    ['tools', 'tools', tools.length > 0 && toolChoice !== 'none'],
    [
      'tool_calls',
      'tools',
      messages.some(({ role, toolCalls = [] }) => role === 'tool' || toolCalls.length > 0),
    ],
    ['response_format', 'json', request.responseFormat !== undefined],
  ]
  for (const [field, capability, isNeeded] of needed)
    if (isNeeded && !model.capabilities.includes(capability))
      throw unsupportedByModel(model.name, field, capability)

  const given: Record<OptionalParameter, boolean> = {
    seed: request.seed !== undefined,
    stop: (request.stop ?? []).length > 0,
    tool_choice: toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none',
  }
  for (const field of model.unsupported)
    if (given[field]) throw unsupportedByModel(model.name, field, undefined)
}
