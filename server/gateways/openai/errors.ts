import { type AppError, fieldOf } from '../../errors.ts'
import type { ErrorFormat } from '../../http/index.ts'

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
}

/**
 * Creates OpenAI's error body, with the names that `fields` gives to parameters. Invalid fields, 422 elsewhere, are 400
 * there.
 */
const errorFormat =
  (fields: Record<string, string>): ErrorFormat =>
  (error) => {
    const status = error.status === 422 ? 400 : error.status
    return {
      status,
      body: {
        error: {
          message: error.message,
          type: types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
          param: fieldOf(error, fields) ?? invalidFieldOf(error) ?? null,
          code: error.code,
        },
      },
    }
  }

export const openaiErrors = errorFormat({ images: 'messages', tool_calls: 'messages' })
export const responsesErrors = errorFormat({ images: 'input', messages: 'input' })

/** Returns the first field that failed validation, by the name that the client has sent. */
const invalidFieldOf = ({ details }: AppError) =>
  Array.isArray(details) ? (details[0] as { path?: string } | undefined)?.path : undefined
