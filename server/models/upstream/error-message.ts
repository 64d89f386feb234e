import { z } from 'zod'
import { isRemote, type ModelService } from './service.ts'

const maxCharacters = 300

/** Makes a service's message safe to show: one line, shortened, without markup, secrets, internal addresses and paths. */
export function sanitizeMessage(message: string, service: ModelService): string {
  let text = message
  for (const secret of service.secrets) text = text.replaceAll(secret, '…')
  text = text
    .replaceAll(/\b(?:sk|pk|key|gsk|xai|hf)[-_][\w-]{8,}(?:\*+\w*)?/gi, '…')
    .replaceAll(/\bbearer\s+\S+/gi, 'Bearer …')
    .replaceAll(/(\/\/)[^\s/@:]+:[^\s/@]+@/g, '$1')
    .replaceAll(/\bhttps?:\/\/[^\s"'<>]+/gi, (url) => (isPublicUrl(url) ? url : '…'))
    .replaceAll(
      /(?<![\w.])(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:]+\])(?::\d{1,5})?(?![\w.]\d)/gi,
      '…',
    )
    .replaceAll(/(?<![\w./<:])\/[\w.-]+\/[\w./-]*/g, '…')
    .replaceAll(/<(?:script|style)\b[\s\S]*?<\/(?:script|style)>/gi, ' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters).trimEnd()}…`
}

const isPublicUrl = (url: string): boolean => URL.canParse(url) && isRemote(new URL(url).hostname)

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

/** Extracts the message from the common shapes of error bodies; returns any other body unchanged. */
export function parseErrorMessage(body: string): string {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return body
  }
  const parsed = errorBody.safeParse(json)
  return parsed.success ? parsed.data : body
}

/** Returns the error message of an object in a stream or response, if it has one. */
export function errorMessageOf(json: object): string | undefined {
  if (!('error' in json) || json.error === null || json.error === undefined || json.error === '')
    return undefined
  return parseErrorMessage(JSON.stringify(json))
}
