import { ServiceError } from './request.ts'

/** Whether the message reports that the prompt exceeds the context window. */
export const isContextLengthError = (message: string): boolean =>
  /context_length_exceeded|exceed\w*[^.]{0,60}context|context[^.]{0,40}exceed|maximum context|context (?:length|window|size) (?:of|is)|prompt is too long|too many (?:input )?tokens/i.test(
    message,
  )

/** Whether a service has rejected a prompt because it exceeds the context window. */
export const isContextError = (thrown: unknown): thrown is ServiceError =>
  thrown instanceof ServiceError && isContextLengthError(thrown.text)

const patterns = [
  /maximum context (?:length|window|size)\D{0,20}?([\d,_]{3,})/i,
  /"n_ctx"\s*:\s*(\d{3,})/i,
  /context (?:length|window|size|limit)\D{0,30}?([\d,_]{3,})/i,
  /(?:>|maximum of|limit of|up to)\s*([\d,_]{3,})\s*(?:tokens|maximum)/i,
]

/** Extracts the context limit in tokens from an error message. */
export function parseContextLimit(message: string): number | undefined {
  for (const pattern of patterns) {
    const digits = pattern.exec(message)?.[1]?.replaceAll(/[,_]/g, '')
    if (digits !== undefined && Number(digits) >= 128) return Number(digits)
  }
  return undefined
}
