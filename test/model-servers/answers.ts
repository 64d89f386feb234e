/** Deterministic answers and embeddings of the scripted model servers. Answers quote the passages of the prompt. */

type Message = { role: string; content: string }

const passagePattern = /<passage-\w+ n="(\d+)"[^>]*>\n?([\s\S]*?)\n?<\/passage-\w+>|^\[(\d+)\]\s+(.+)$/gm

/** Returns the tokens of the answer to a chat, or the rest of a partial answer at its end. */
export function generateAnswer(messages: Message[]): string[] {
  const partialAt = messages.findLastIndex((message) => message.role === 'assistant')
  const questionAt = messages.findLastIndex(
    (message, i) => message.role === 'user' && (partialAt < 0 || i < partialAt),
  )
  const last = messages.at(-1)
  // Continues a trailing answer, also one followed only by an instruction to continue.
  const isContinuation =
    partialAt >= 0 &&
    (last?.role === 'assistant' || /continue|interrupted/i.test(last?.content ?? '')) &&
    questionAt >= 0
  const prompt = isContinuation
    ? messages[questionAt]
    : messages.findLast((message) => message.role === 'user')
  const whole = wholeAnswer(prompt?.content ?? '')
  const partial = isContinuation ? (messages[partialAt]?.content ?? '') : ''
  return tokensOf(whole.startsWith(partial) ? whole.slice(partial.length) : whole)
}

function wholeAnswer(prompt: string): string {
  const question = /(?:^|\n)Question: ([\s\S]*)$/.exec(prompt)?.[1] ?? prompt.replaceAll(passagePattern, '')
  const passages = [...prompt.matchAll(passagePattern)].map((match) => ({
    n: Number(match[1] ?? match[3]),
    text: match[2] ?? match[4] ?? '',
  }))
  if (passages.length === 0)
    return `You said: ${question.trim().replaceAll(/\s+/g, ' ')} That is all I know about it.`
  const queryTerms = new Set(wordsOf(question))
  const sentences = passages.flatMap(({ n, text }) =>
    text.split(/(?<=[.!?。！？])\s*|\n+/).map((sentence) => ({ n, sentence: sentence.trim() })),
  )
  const score = (sentence: string) => wordsOf(sentence).filter((word) => queryTerms.has(word)).length
  const best = sentences
    .filter(({ sentence }) => sentence !== '')
    .toSorted((a, b) => score(b.sentence) - score(a.sentence))[0]
  return best ? `According to the documents, ${best.sentence} [${best.n}]` : 'The documents do not say.'
}

/** Splits text as tokenizers do: each word with the space before it. */
const tokensOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? []

const wordsOf = (text: string): string[] =>
  (text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).flatMap((word) =>
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(word) ? [...word] : [word],
  )

const dimensions = 256
/** The instruction prefixes of embedding models, which are not part of the text. */
const prefix =
  /^(?:search_query|search_document|query|passage): |^Instruct: .*\nQuery: |^task: search result \| query: |^title: none \| text: /

/** Returns a normalised hashed bag of words, so that texts with shared words have similar vectors. */
export function embedding(text: string): number[] {
  const vector = Array.from({ length: dimensions }, () => 0)
  for (const word of wordsOf(text.replace(prefix, ''))) {
    const dimension = hash(word) % dimensions
    vector[dimension] = (vector[dimension] ?? 0) + 1
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((x) => x / length)
}

function hash(word: string): number {
  let h = 0x811c9dc5
  for (const byte of Buffer.from(word)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  return h
}

export const countTokens = (messages: Message[]): number =>
  messages.reduce((sum, message) => sum + Math.ceil(message.content.length / 4), 0)
