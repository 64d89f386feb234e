import { defineFieldError } from '../../errors.ts'
import type { ErrorFormat } from '../../http/index.ts'

export const modelMissing = defineFieldError('invalid_fields', 'model', () => 'The field model is missing.')

/** Ollama's error body. Invalid fields, 422 elsewhere, are 400 there. */
export const ollamaErrors: ErrorFormat = (error) => ({
  status: error.status === 422 ? 400 : error.status,
  body: { error: error.message },
})
