import type { Log } from '../../log.ts'
import type { Models } from '../../models/index.ts'
import { noteAttribute } from '../consolidation/slots.ts'
import type { ForgetRequest, Statement } from '../consolidation/statement.ts'
import { findPeriod, withDate } from '../dates.ts'
import type { UserMessage } from '../store/turns.ts'
import { languageAmong, stemmedWords } from '../terms.ts'
import { askModel, type ExtractedItem } from './ask-model.ts'
import { type ExplicitRequest, explicitRequests } from './explicit-requests.ts'
import { findQuotation } from './quotation.ts'
import { containsSecret } from './secrets.ts'

export type KnownMemory = { id: string; content: string; localOnly: boolean }

/** A longer message is probably pasted text, and does not fit into small context windows. */
const maxModelCharacters = 4_000
/** Explicit requests to remember are certain and important. */
export const byUser = { confidence: 1, importance: 0.8 }

type Dependencies = { models: Pick<Models, 'runInBackground'>; log: Log }

/** Returns the user's explicit requests to remember and to forget, without secrets. Needs no language model. */
export function extractRequests(messages: UserMessage[]): { remember: Statement[]; forget: ForgetRequest[] } {
  const requests = messages.flatMap((message) =>
    explicitRequests(message.text)
      .filter(({ content }) => !containsSecret(content))
      .map((request) => ({ ...request, message })),
  )
  return {
    remember: requests.filter(({ kind }) => kind === 'remember').map((one) => noteOf(one, one.message)),
    forget: requests
      .filter(({ kind }) => kind === 'forget')
      .map(({ kind: _, message, ...place }) => ({
        ...place,
        messageId: message.id,
        statedAt: message.writtenAt,
      })),
  }
}

function noteOf({ content, start, end, language }: ExplicitRequest, message: UserMessage): Statement {
  const period = findPeriod(content, message.writtenAt, { languages: [language], prefer: 'future' })
  const sentence = content.charAt(0).toLocaleUpperCase() + content.slice(1)
  return {
    type: 'fact',
    content: withDate(sentence, period),
    subject: 'self',
    attribute: noteAttribute,
    value: content.toLowerCase(),
    status: 'current',
    language,
    ...byUser,
    validFrom: period?.from ?? null,
    validUntil: null,
    messageId: message.id,
    start,
    end,
    layer: message.layer,
    statedAt: message.writtenAt,
  }
}

/**
 * Extracts what messages state about their author, in one call of the model that answered them. An item is used only if
 * it quotes the message. Returns nothing without a language model or if its answer is not valid; throws the errors of
 * the model.
 */
export async function extractStatements(
  { models, log }: Dependencies,
  messages: UserMessage[],
  findKnown: () => Promise<KnownMemory[]>,
  signal: AbortSignal,
): Promise<Statement[]> {
  const short = messages.filter((message) => message.text.length <= maxModelCharacters)
  const requested = short.findLast((message) => message.model !== null)?.model
  if (short.length === 0 || requested === 'extractive') return []
  const options = { ...(requested ? { requested } : {}), signal }
  const statements = await models.runInBackground(options, async (model, callSignal) => {
    // Memories that are local only are not sent to a remote model, not even for comparison.
    const shown = (await findKnown()).filter((memory) => !(model.remote && memory.localOnly))
    const input = {
      messages: short.map(({ text, writtenAt }, i) => ({ n: i + 1, text, writtenAt })),
      known: shown.map(({ content }, i) => ({ n: i + 1, content })),
    }
    const items = await askModel(model, input, callSignal).catch((error: unknown) => {
      if (!isInvalidAnswer(error)) throw error
      log.warn({ err: error }, 'memory extraction failed: the model did not answer with valid JSON')
      return []
    })
    const verified = items.map(async (item) => {
      const message = short[item.message - 1]
      const memory = item.known ? shown[item.known - 1] : undefined
      const statement = message && (await verify(item, message))
      if (!statement || !memory || item.relation === 'new') return statement
      return { ...statement, reference: { relation: item.relation, memoryId: memory.id } }
    })
    return (await Promise.all(verified)).filter((statement) => statement !== undefined)
  })
  return statements ?? []
}

const isInvalidAnswer = (error: unknown): boolean =>
  error instanceof Error && (error instanceof SyntaxError || error.name === 'ZodError')

/** Returns a model's item as a statement if the message contains its quotation and value, and neither contains a secret. */
async function verify(item: ExtractedItem, message: UserMessage): Promise<Statement | undefined> {
  const place = findQuotation(message.text, item.quote)
  if (!place || /[?？؟]\s*$/.test(item.quote)) return undefined
  if (containsSecret(item.content) || containsSecret(message.text.slice(place.start, place.end)))
    return undefined
  const language = languageAmong(message.text, [])
  if (!(await containsValue(message.text, item.value, language))) return undefined
  return {
    type: item.type,
    content: item.content,
    subject: item.subject,
    attribute: item.attribute,
    value: item.value,
    status: item.status,
    language,
    confidence: item.confidence,
    importance: item.importance,
    validFrom: item.valid_from ?? null,
    validUntil: item.valid_until ?? (item.status === 'ended' ? message.writtenAt : null),
    messageId: message.id,
    ...place,
    layer: message.layer,
    statedAt: message.writtenAt,
  }
}

/** Whether a value contains a word of the message, or is a number, a date, yes or no. */
async function containsValue(text: string, value: string, language: string | null): Promise<boolean> {
  if (/^(?:yes|no|\d[\d-]*)?$/.test(value)) return true
  const [words, said] = await Promise.all([stemmedWords(value, language), stemmedWords(text, language)])
  return words.length === 0 || !new Set(words).isDisjointFrom(new Set(said))
}
