import { expect, test } from 'vitest'
import { checkRequest, withPages } from './check-request.ts'
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

test('gives pictures of pages, with captions, only to models that may receive them', () => {
  const pages = [{ image, caption: 'shows the page of passage [2].' }]
  const asked = { role: 'user' as const, content: 'How many?', images: [image] }
  const request: ChatRequest = {
    messages: [{ ...asked, pages }],
    imagesTo: '',
    grounding: { question: '', passages: [], answerable: null },
  }
  const content = 'Picture 2 shows the page of passage [2].\n\nHow many?'
  const given = [{ ...asked, content, images: [image, image] }]
  const seeing = model(['chat', 'vision'])
  const remote = { ...seeing, remote: true, provider: 'openai' }
  expect(withPages(seeing, request).messages).toEqual(given)
  expect(withPages(remote, { ...request, imagesTo: 'openai' }).messages).toEqual(given)
  expect(withPages(remote, request).messages).toEqual([asked])
  expect(withPages(model(['chat']), request).messages).toEqual([asked])
})
