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
export const blockedTool = defineError(
  409,
  'local_only',
  () => 'This tool was not called, because nothing from this conversation may leave the private network now.',
)
export const toolFailed = (cause: unknown) =>
  new AppError(500, 'tool_failed', 'The tool failed because of an internal error.', { cause })
export const searchFailed = (reason: string, cause?: unknown) =>
  new AppError(502, 'web_search_failed', `The web search failed: ${reason}.`, { cause })
export const toolReported = defineError(
  502,
  'tool_reported_error',
  (text: string) => `The tool reported an error: ${text.slice(0, 1_000)}`,
)
export const toolAnswered = defineError(
  502,
  'tool_answered_with_error',
  (status: number, text: string) =>
    `The server of the tool answered with status ${status}${text === '' ? '.' : `: ${text.slice(0, 1_000)}`}`,
)
export const toolUnreachable = (cause: unknown) =>
  new AppError(
    502,
    'tool_unreachable',
    'The server of the tool could not be reached, or it does not support this protocol. Check the address.',
    { cause },
  )
export const badDescription = defineError(
  422,
  'invalid_description',
  (problem: string) => `The description cannot be used. ${problem}`,
)
export const descriptionMissing = defineError(
  422,
  'description_missing',
  () => 'Send either the url of the description or the description itself as spec.',
)
export const tooManyFunctions = defineError(
  422,
  'too_many_functions',
  (max: number) => `A tool can have at most ${max} functions. Use a description with fewer.`,
)
export const unknownOperations = defineError(
  422,
  'unknown_operations',
  (names: string[], known: string[]) =>
    `There is no function ${names.join(', ')}. The functions are ${known.join(', ')}.`,
)
export const customToolNotFound = defineError(404, 'tool_not_found', () => 'Tool not found.')
export const toolNameTaken = defineError(
  409,
  'tool_name_taken',
  (name: string) => `The avee already has a tool named ${name}. Choose another name.`,
)
export const tooManyTools = defineError(
  409,
  'too_many_tools',
  (max: number) => `An avee can have at most ${max} added tools. Remove one first.`,
)
export const headersNeeded = defineError(
  422,
  'headers_needed',
  () => 'Enter the headers again when the address changes, so that they are not sent elsewhere by mistake.',
)
export const noUrl = defineError(422, 'tool_without_url', () => 'This tool has no address to change.')
export const programsForAdmins = defineError(
  403,
  'admins_only',
  () => 'Only administrators can add programs on the server as tools.',
)
