import { expect, test } from 'vitest'
import { checkRequest } from './check-request.ts'
import type { Capability, ChatModel, ChatRequest, OptionalParameter } from './port.ts'

const model = (capabilities: Capability[], unsupported: OptionalParameter[] = []) =>
  ({ name: 'small', capabilities, unsupported }) as unknown as ChatModel

const image = { mediaType: 'image/png', data: 'aGk=' }
const requests: [field: string, Partial<ChatRequest>, Capability | OptionalParameter][] = [
  ['images', { messages: [{ role: 'user', content: '', images: [image] }] }, 'vision'],
  ['tools', { tools: [{ name: 'clock' }] }, 'tools'],
  ['tool_calls', { messages: [{ role: 'tool', content: '12:00', toolCallId: '1' }] }, 'tools'],
  ['response_format', { responseFormat: {} }, 'json'],
  ['seed', { seed: 1 }, 'seed'],
  ['stop', { stop: ['.'] }, 'stop'],
  ['tool_choice', { toolChoice: 'required' }, 'tool_choice'],
]

test.each(requests)('refuses %s if the model lacks it, and names the field', (field, more, lacking) => {
  const request = { messages: [], grounding: { question: '', passages: [], answerable: null }, ...more }
  const all: Capability[] = ['chat', 'vision', 'tools', 'json']
  expect(() => checkRequest(model(all), request)).not.toThrow()
  const without = model(
    all.filter((capability) => capability !== lacking),
    [lacking as OptionalParameter],
  )
  expect(() => checkRequest(without, request)).toThrow(
    expect.objectContaining({
      status: 400,
      code: 'model_unsupported',
      details: expect.objectContaining({ field }),
    }),
  )
})
