import { type Layer } from '../../../contract/layers.ts'
import type { Log } from '../../log.ts'
import type { Models } from '../../models/index.ts'
import { isStated, readStatements } from '../rules/index.ts'
import { holdsSecret } from '../rules/secrets.ts'
import type { Statement } from '../rules/statements.ts'
import { languageAmid } from '../words.ts'
import { askModel, type ModelStatement } from './ask-model.ts'
import type { Told } from './consolidate.ts'

export type OwnMessage = { id: string; text: string; writtenAt: Date; layer: Layer; model: string | null }
export type KnownMemory = { id: string; content: string; localOnly: boolean }

/** A message longer than this is a text that was pasted more than something said; it is read by rules only. */
const longestForModel = 4_000

export type Extractor = (messages: OwnMessage[], known: KnownMemory[], signal: AbortSignal) => Promise<Told[]>

/**
 * Reads what a person's own messages state: by the model that answered them, in one call for all, and by rules where
 * there is none or where it fails. Whatever a model says counts only as far as the message's own words say it.
 */
export function extractor({ models, log }: { models: Pick<Models, 'runInBackground'>; log: Log }): Extractor {
  async function byModel(
    messages: OwnMessage[],
    known: KnownMemory[],
    signal: AbortSignal,
  ): Promise<Told[] | undefined> {
    const name = messages.findLast((message) => message.model !== null)?.model
    if (name === 'extractive') return undefined
    try {
      return await models.runInBackground(
        { ...(name ? { requested: name } : {}), signal },
        async (model, turn) => {
          // What is for local models only is told to no other, not even to compare.
          const shown = known.filter((memory) => !(model.remote && memory.localOnly))
          const items = await askModel(
            model,
            {
              messages: messages.map((message, i) => ({
                n: i + 1,
                text: message.text,
                writtenAt: message.writtenAt,
              })),
              known: shown.map((memory, i) => ({ n: i + 1, content: memory.content })),
            },
            turn,
          )
          return items.flatMap((item) => {
            const message = messages[item.message - 1]
            const told = message && grounded(item, message)
            if (!told) return []
            const memory = item.known ? shown[item.known - 1] : undefined
            return [
              memory && item.relation !== 'new'
                ? { ...told, judged: { relation: item.relation, memoryId: memory.id } }
                : told,
            ]
          })
        },
      )
    } catch (error) {
      signal.throwIfAborted()
      log.warn({ err: error }, 'a model could not say what to remember; rules read the turn')
      return undefined
    }
  }

  return async (messages, known, signal) => {
    const ruled = messages.flatMap((message) =>
      readStatements(message.text, message.writtenAt).map(
        (statement): Told => ({
          statement,
          messageId: message.id,
          layer: message.layer,
          saidAt: message.writtenAt,
        }),
      ),
    )
    const short = messages.filter((message) => message.text.length <= longestForModel)
    const modelled = short.length === 0 ? undefined : await byModel(short, known, signal)
    if (!modelled) return ruled
    // What rules are sure of and the model passed over is kept too.
    const missed = ruled.filter(
      (one) =>
        !modelled.some(
          (other) => other.messageId === one.messageId && overlaps(one.statement, other.statement),
        ),
    )
    return inOrder([...modelled, ...missed], messages)
  }
}

const overlaps = (a: Statement, b: Statement): boolean => a.start < b.end && b.start < a.end

const inOrder = (told: Told[], messages: OwnMessage[]): Told[] => {
  const place = new Map(messages.map((message, i) => [message.id, i]))
  return told.toSorted(
    (a, b) =>
      (place.get(a.messageId) ?? 0) - (place.get(b.messageId) ?? 0) || a.statement.start - b.statement.start,
  )
}

/** What a model said, if the message's own words say it, as a statement of its author, and no secret is in it. */
function grounded(item: ModelStatement, message: OwnMessage): Told | undefined {
  const place = findQuote(message.text, item.quote)
  if (!place || !isStated(message.text, place.start, place.end)) return undefined
  if (holdsSecret(item.content) || holdsSecret(message.text.slice(place.start, place.end))) return undefined
  if (!isInWords(item.value, message.text)) return undefined
  const statement: Statement = {
    type: item.type,
    content: item.content,
    subject: item.subject.toLowerCase() === 'user' ? 'self' : item.subject.toLowerCase(),
    attribute: item.attribute.toLowerCase().replaceAll(/[_:]+/g, (mark) => (mark === '_' ? '_' : ' ')),
    value: item.value.toLowerCase(),
    holds: item.holds,
    language: languageAmid(message.text, []),
    confidence: Math.max(0.3, item.confidence),
    importance: item.importance,
    validFrom: item.valid_from ?? null,
    validUntil: item.holds === 'ended' ? (item.valid_until ?? message.writtenAt) : (item.valid_until ?? null),
    ...place,
  }
  return { statement, messageId: message.id, layer: message.layer, saidAt: message.writtenAt }
}

/** Where a quotation stands, whatever its blanks, quotation marks and capitals. */
function findQuote(text: string, quote: string): { start: number; end: number } | undefined {
  const words = quote
    .trim()
    .replace(/^["“„«']|["”“»']$/gu, '')
    .split(/\s+/)
  const escaped = words.map((word) =>
    word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/['’]/g, "['’]"),
  )
  const match = new RegExp(escaped.join('\\s+'), 'iu').exec(text)
  return match ? { start: match.index, end: match.index + match[0].length } : undefined
}

/** Values are words of the message, numbers or yes and no: a model adds nothing of its own. */
function isInWords(value: string, text: string): boolean {
  if (/^(?:yes|no|\d[\d-]*)?$/i.test(value)) return true
  const said = text.toLowerCase()
  const words = value.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  return words.some((word) => said.includes(word.slice(0, Math.max(3, word.length - 2))))
}
