import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { detectLanguage } from '../../search/index.ts'
import type { ChatModel, ChatRequest } from '../port.ts'
import { isFixedText, phrasesFor, phrasesForGreeting } from './phrases.ts'
import { type Quote, selectQuotes } from './select.ts'

type Grounding = ChatRequest['grounding']

/** Tokens between two yields to the event loop. */
const yieldInterval = 16

/**
 * The built-in answerer without a language model (extractive question answering): quotes the sentences of the passages
 * that match the question best, with their citations. Its answers are deterministic, so a partial answer continues
 * exactly where it stopped.
 */
export function createExtractiveModel(): ChatModel {
  return {
    name: 'extractive',
    provider: 'extractive',
    remote: false,
    continuation: 'exact',
    capabilities: ['chat'],
    unsupported: ['stop'],
    contextTokens: async () => 32_768,

    async *stream({ grounding, messages }, signal) {
      signal.throwIfAborted()
      const answer = await composeAnswer(grounding)
      const last = messages.at(-1)
      const partial = last?.role === 'assistant' ? last.content : ''
      // If the passages have changed, for example after a deletion, the new answer follows the partial one.
      const rest = answer.startsWith(partial) ? answer.slice(partial.length) : `\n\n${answer}`
      let tokens = 0
      for (const text of splitWords(rest)) {
        signal.throwIfAborted()
        yield { type: 'text', text }
        tokens += 1
        if (tokens % yieldInterval === 0) await yieldToEventLoop()
      }
      yield { type: 'finish', reason: 'stop', usage: { promptTokens: null, completionTokens: tokens } }
    },
  }
}

/** Composes the complete answer, in the language of the question or, if unknown, of the passages. */
export async function composeAnswer({ question, context, passages, answerable }: Grounding): Promise<string> {
  const greeting = phrasesForGreeting(question)
  if (greeting) return `${greeting.greeting}\n\n${greeting.noModel}`

  const texts = phrasesFor(
    detectLanguage(question),
    detectLanguage([question, ...passages.map(({ text }) => text)].join('\n')),
  )
  if (answerable === null) return `${texts.notSearched}\n\n${texts.noModel}`
  const quotes = answerable === 'no' ? [] : await selectQuotes(question, passages, context)
  if (quotes.length === 0) return `${texts.notAnswered}\n\n${texts.noModel}`
  const lines = quotes.map((quote) => formatQuote(quote, texts.page))
  return [...(answerable === 'unsure' ? [texts.closest] : []), ...lines, texts.quotedOnly].join('\n\n')
}

const quotation = /^“[^]*” \[(\d{1,3})\](?: \([^()]{1,30}\))?$/

/**
 * Replaces the quotations of an answer by their numbers, except those of shown passages. Omits everything else except
 * fixed texts, such as the beginning of a quotation in a stopped answer.
 */
export const hideQuotations = (answer: string, isShown: (n: number) => boolean): string =>
  answer
    .split('\n\n')
    .flatMap((paragraph) => {
      if (isFixedText(paragraph) || /^\[\d+\]$/.test(paragraph)) return [paragraph]
      const n = quotation.exec(paragraph)?.[1]
      if (n === undefined) return []
      return [isShown(Number(n)) ? paragraph : `[${n}]`]
    })
    .join('\n\n')

/** Formats a quote with its citation. Typographic quotation marks, because sentences contain straight ones. */
function formatQuote({ passage, header, sentences }: Quote, page: (page: number) => string): string {
  const parts = header === undefined ? sentences : [header, ...sentences]
  const quotation = parts.map((part) => `“${part}”`).join(' … ')
  return `${quotation} [${passage.n}]${passage.page === null ? '' : ` (${page(passage.page)})`}`
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** Splits a text into words, each with the spaces and punctuation before it. */
function* splitWords(text: string): Generator<string> {
  let pending = ''
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    pending += segment
    if (!isWordLike) continue
    yield pending
    pending = ''
  }
  if (pending !== '') yield pending
}
