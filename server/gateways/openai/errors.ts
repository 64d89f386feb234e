import type { AppError } from '../../errors.ts'
import type { ErrorFormat } from '../../http/index.ts'

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
}

/** OpenAI's error body. Invalid fields, 422 elsewhere, are 400 there. */
export const openaiErrors: ErrorFormat = (error) => {
  const status = error.status === 422 ? 400 : error.status
  return {
    status,
    body: {
      error: {
        message: error.message,
        type: types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
        param: fieldOf(error),
        code: error.code,
      },
    },
  }
}

/** The field that an error is about. */
function fieldOf({ details }: AppError): string | null {
  const [first] = [details].flat() as ({ path?: string; field?: string } | undefined)[]
  return first?.path ?? first?.field ?? null
}
