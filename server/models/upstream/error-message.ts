import { z } from 'zod'
import type { ModelService } from './service.ts'

const maxCharacters = 300

/** A service's own message, fit to be shown: one line, shortened, without markup and secrets. */
export function sanitizeMessage(message: string, service: ModelService): string {
  let text = message
  for (const secret of service.secrets) text = text.replaceAll(secret, '…')
  text = text
    .replaceAll(/\b(?:sk|pk|key|gsk|xai|hf)[-_][\w-]{8,}(?:\*+\w*)?/gi, '…')
    .replaceAll(/\bbearer\s+\S+/gi, 'Bearer …')
    .replaceAll(/(\/\/)[^\s/@:]+:[^\s/@]+@/g, '$1')
    .replaceAll(/<(?:script|style)\b[\s\S]*?<\/(?:script|style)>/gi, ' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters).trimEnd()}…`
}

const errorBody = z.union([
  z.object({ error: z.string() }).transform((body) => body.error),
  z.object({ error: z.object({ message: z.string() }) }).transform((body) => body.error.message),
  z.object({ message: z.string() }).transform((body) => body.message),
  z.object({ detail: z.string() }).transform((body) => body.detail),
  z
    .object({ detail: z.array(z.object({ msg: z.string() })) })
    .transform((body) => body.detail.map((d) => d.msg).join('; ')),
  z
    .array(z.object({ error: z.object({ message: z.string() }) }))
    .transform((body) => body[0]?.error.message ?? ''),
])

/** What an error answer says, whichever of the usual shapes it has; the text itself where it has none. */
export function parseErrorMessage(body: string): string {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return body
  }
  const known = errorBody.safeParse(json)
  return known.success ? known.data : body
}

/** The error of an object in a stream or answer, in either spelling; undefined when there is none. */
export function errorMessageOf(json: object): string | undefined {
  if (!('error' in json) || json.error === null || json.error === undefined || json.error === '')
    return undefined
  return parseErrorMessage(JSON.stringify(json))
}
