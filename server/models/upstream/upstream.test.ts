import { describe, expect, test } from 'vitest'
import { isContextLengthError, parseContextLimit } from './context-limit.ts'
import { parseErrorMessage, sanitizeMessage } from './error-message.ts'
import { createOllamaService, createOpenAiService, isRemote } from './service.ts'

describe('a model service', () => {
  test.each([
    ['localhost', false],
    ['127.0.0.1', false],
    ['[::1]', false],
    ['192.168.1.20', false],
    ['10.0.0.5', false],
    ['172.20.0.2', false],
    ['ollama', false],
    ['host.docker.internal', false],
    ['nas.local', false],
    ['[fd12::1]', false],
    ['api.openai.com', true],
    ['8.8.8.8', true],
    ['172.40.0.1', true],
    ['[2001:db8::1]', true],
  ])('at %s is outside the local network: %s', (host, remote) => {
    expect(isRemote(host)).toBe(remote)
  })

  test('hides user name and password of its URL', () => {
    const service = createOllamaService('http://me:secret@example.org:11434/')
    expect(JSON.stringify([service.name, service.address, service.address])).not.toMatch(/secret|me:/)
    expect(service.headers['authorization']).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`)
  })

  test('keeps the path of its URL', () => {
    expect(createOpenAiService({ baseUrl: 'http://127.0.0.1:9000/v1/' }).address).toBe(
      'http://127.0.0.1:9000/v1',
    )
  })
})

describe('the error message of a service', () => {
  const service = createOpenAiService({ baseUrl: 'https://api.example.org/v1', apiKey: 'a-very-odd-key' })

  test.each([
    ['{"error":"as Ollama"}', 'as Ollama'],
    ['{"error":{"message":"as OpenAI"}}', 'as OpenAI'],
    ['{"detail":"as FastAPI"}', 'as FastAPI'],
    ['{"detail":[{"msg":"as"},{"msg":"pydantic"}]}', 'as; pydantic'],
    ['[{"error":{"message":"as Google"}}]', 'as Google'],
    ['no JSON', 'no JSON'],
  ])('is extracted from %s', (body, message) => {
    expect(parseErrorMessage(body)).toBe(message)
  })

  test.each([
    'key a-very-odd-key is wrong',
    'key sk-proj-abcdefgh12345678 is wrong',
    'Authorization: Bearer abcdef.ghijkl',
    'see http://user:hunter2@proxy/',
  ])('contains no secret: %s', (message) => {
    expect(sanitizeMessage(message, service)).not.toMatch(/odd-key|abcdefgh1234|ghijkl|hunter2/)
  })

  test.each([
    'dial tcp 127.0.0.1:40123: connect: connection refused',
    'Post "http://ollama.internal:11434/x": EOF at localhost:8080',
    'cannot read /root/.ollama/models/blobs/x of [::1]:9',
  ])('contains no internal address or path: %s', (message) => {
    expect(sanitizeMessage(message, service)).not.toMatch(/127|internal|localhost|root|ollama|::1/)
  })

  test('keeps public addresses', () => {
    const message = 'Get a key at https://platform.openai.com/account/api-keys.'
    expect(sanitizeMessage(message, service)).toBe(message)
  })

  test('is one line of limited length', () => {
    expect(sanitizeMessage('a\n\tb', service)).toBe('a b')
    expect(sanitizeMessage('long '.repeat(1_000), service).length).toBeLessThanOrEqual(301)
  })
})

describe('a context length error', () => {
  test.each([
    [
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
      8_192,
    ],
    ['the request exceeds the available context size (4096 tokens), try increasing it', 4_096],
    ['{"error":{"code":400,"message":"request exceeds context","n_prompt_tokens":9000,"n_ctx":2048}}', 2_048],
    ['prompt is too long: 210000 tokens > 200000 maximum', 200_000],
    ['the input length exceeds the context length', undefined],
    ['{"error":{"code":"context_length_exceeded"}}', undefined],
  ])('is recognized: %s', (message, limit) => {
    expect(isContextLengthError(message)).toBe(true)
    expect(parseContextLimit(message)).toBe(limit)
  })

  test.each(['model not found', 'rate limit reached: 10000 tokens per minute', 'CUDA out of memory'])(
    'is not any other error: %s',
    (message) => {
      expect(isContextLengthError(message)).toBe(false)
    },
  )
})
