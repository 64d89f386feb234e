import { defineFieldError, fieldOf } from '../../errors.ts'
import type { ErrorFormat } from '../../http/index.ts'

export const modelMissing = defineFieldError('invalid_fields', 'model', () => 'The field model is missing.')

/** Ollama's fields by their names in OpenAI's chat API. */
const fields = { response_format: 'format', seed: 'options.seed', stop: 'options.stop' }

/** Ollama's error body, in which the message is the only place for a field. Invalid fields, 422 elsewhere, are 400 there. */
export const ollamaErrors: ErrorFormat = (error) => {
  const field = fieldOf(error, fields)
  return {
    status: error.status === 422 ? 400 : error.status,
    body: { error: field === undefined ? error.message : `${field}: ${error.message}` },
  }
}
