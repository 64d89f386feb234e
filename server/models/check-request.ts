import { capabilityMissing, imagesNotAllowed, noLocalModel, parameterUnsupported } from './errors.ts'
import type { Capability, ChatModel, ChatRequest, OptionalParameter } from './port.ts'

const mayGetImages = ({ remote, provider }: ChatModel, { imagesTo }: ChatRequest): boolean =>
  !remote || imagesTo === undefined || imagesTo === provider

/** Returns the request with the pictures of pages among its images, or without them. */
export const withPages = (model: ChatModel, request: ChatRequest): ChatRequest => ({
  ...request,
  messages: request.messages.map(({ pages = [], ...message }) => {
    if (pages.length === 0 || !model.capabilities.includes('vision') || !mayGetImages(model, request))
      return message
    const { images = [], content } = message
    const captions = pages.map(({ caption }, i) => `Picture ${images.length + i + 1} ${caption}`)
    return {
      ...message,
      content: [...captions, '', content].join('\n'),
      images: [...images, ...pages.map(({ image }) => image)],
    }
  }),
})

/**
 * @throws model_unsupported with the name of the first unsupported field; local_only or images_not_allowed if the prompt or its images may not be sent to the provider of the model
 */
export function checkRequest(model: ChatModel, request: ChatRequest): void {
  const { messages, tools = [], toolChoice } = request
  if (request.localOnly && model.remote) throw noLocalModel(model.name)
  const hasImages = messages.some(({ images = [] }) => images.length > 0)
  if (hasImages && !mayGetImages(model, request)) throw imagesNotAllowed(model.provider)
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
      throw capabilityMissing(model.name, field, capability)

  const given: Record<OptionalParameter, boolean> = {
    seed: request.seed !== undefined,
    stop: (request.stop ?? []).length > 0,
    tool_choice: toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none',
  }
  for (const field of model.unsupported) if (given[field]) throw parameterUnsupported(model.name, field)
}
