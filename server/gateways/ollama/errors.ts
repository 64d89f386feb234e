import { defineFieldError } from '../../errors.ts'
import type { ErrorFormat } from '../../http/index.ts'

export const modelMissing = defineFieldError('invalid_fields', 'model', () => 'The field model is missing.')

/** Returns a message with the names that Ollama's protocol has for what errors call by OpenAI's. */
export const inOllamaTerms = (message: string): string =>
  message.replace('response_format', 'format').replace('GET /v1/models', 'GET /ollama/api/tags')

/** Ollama's error body. Invalid fields, 422 elsewhere, are 400 there. */
export const ollamaErrors: ErrorFormat = (error) => ({
  status: error.status === 422 ? 400 : error.status,
  body: { error: inOllamaTerms(error.message) },
})
