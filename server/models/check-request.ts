import { imagesNotAllowed, unsupportedByModel } from './errors.ts'
import type { Capability, ChatModel, ChatRequest, OptionalParameter } from './port.ts'

/**
 * @throws model_unsupported, which names the first field of the request that the model cannot do; images_not_allowed for
 * images that may not be sent to its provider
 */
export function checkRequest(model: ChatModel, request: ChatRequest): void {
  const { messages, tools = [], toolChoice, imagesTo } = request
  const hasImages = messages.some(({ images = [] }) => images.length > 0)
  if (hasImages && model.remote && imagesTo !== undefined && imagesTo !== model.provider)
    throw imagesNotAllowed(model.provider)
  const needed: [field: string, Capability, boolean][] = [
    ['images', 'vision', hasImages],
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
