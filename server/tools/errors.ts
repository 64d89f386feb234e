import { AppError, defineError } from '../errors.ts'

export const noSuchPassage = defineError(
  404,
  'no_such_passage',
  (n: number) => `There is no passage ${n}. Use the number of a passage that you were given.`,
)
export const notComputable = defineError(422, 'not_computable', (problem: string) => problem)
export const unknownTimeZone = defineError(
  422,
  'unknown_time_zone',
  (name: string) => `"${name}" is not a time zone. Use a name like Europe/Berlin.`,
)
export const unknownTool = defineError(404, 'unknown_tool', (name: string) => `There is no tool "${name}".`)
export const badArguments = defineError(
  422,
  'invalid_arguments',
  (problem: string) => `The arguments are not valid: ${problem}. Correct them and call the tool again.`,
)
export const tookTooLong = defineError(
  504,
  'tool_timed_out',
  (seconds: number) => `The tool took longer than ${seconds} seconds.`,
)
export const toolFailed = (cause: unknown) =>
  new AppError(500, 'tool_failed', 'The tool failed because of an internal error.', { cause })
export const searchFailed = (reason: string, cause?: unknown) =>
  new AppError(502, 'web_search_failed', `The web search failed: ${reason}.`, { cause })
