import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { ChatModel, ChatRequest } from '../port.ts'
import { detectLanguage } from './language.ts'
import { greetingLanguage, phrases } from './phrases.ts'
import { type Quote, selectQuotes } from './select.ts'

type Grounding = ChatRequest['grounding']

/** Tokens between two turns of the event loop. */
const burst = 16

/**
 * Answers without any language model: it quotes the sentences of the passages that fit the question best, word for
 * word and with their numbers, and says so. The same question and passages always give the same answer, so a partial
 * one goes on exactly where it stopped.
 */
export function createExtractiveModel(): ChatModel {
  return {
    name: 'extractive',
    provider: 'extractive',
    remote: false,
    continuation: 'exact',
    contextTokens: async () => 32_768,

    async *stream({ grounding, messages }, signal) {
      signal.throwIfAborted()
      const whole = extractiveAnswer(grounding)
      const last = messages.at(-1)
      const said = last?.role === 'assistant' ? last.content : ''
      // Other passages than before (a document was deleted meanwhile): the answer stands anew below what was said.
      const rest = whole.startsWith(said) ? whole.slice(said.length) : `\n\n${whole}`
      let tokens = 0
      for (const text of wordsOf(rest)) {
        signal.throwIfAborted()
        yield { type: 'text', text }
        tokens += 1
        if (tokens % burst === 0) await yieldToOthers()
      }
      yield { type: 'finish', reason: 'stop', usage: { promptTokens: null, completionTokens: tokens } }
    },
  }
}

/** The whole answer as text. */
export function extractiveAnswer({ question, passages, answerable }: Grounding): string {
  const greeted = greetingLanguage(question)
  if (greeted) return `${phrases[greeted].greeting}\n\n${phrases[greeted].noModel}`

  const questionLanguage = detectLanguage(question)
  const say = phrases[questionLanguage ?? 'en']
  if (answerable === null) return `${say.notSearched}\n\n${say.noModel}`
  const language = detectLanguage(passages.map((passage) => passage.text).join('\n')) ?? questionLanguage
  const quotes = answerable === 'no' ? [] : selectQuotes(question, passages, language)
  if (quotes.length === 0) return `${say.notAnswered}\n\n${say.noModel}`
  const lines = quotes.map((quote) => quoted(quote, say.page))
  return [...(answerable === 'unsure' ? [say.closest] : []), ...lines, say.quotedOnly].join('\n\n')
}

/** One sentence with its source. Straight quotation marks would end too early in many sentences. */
function quoted({ passage, sentence }: Quote, page: (page: number) => string): string {
  const { header, text } = sentence
  const words = header === undefined ? `“${text}”` : `“${header}” … “${text}”`
  return `${words} [${passage.n}]${passage.page === null ? '' : ` (${page(passage.page)})`}`
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** The text in words, each with the blanks and marks before it; joined they are the text. */
function* wordsOf(text: string): Generator<string> {
  let open = ''
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    open += segment
    if (!isWordLike) continue
    yield open
    open = ''
  }
  if (open !== '') yield open
}
