/** What a played model says and how it embeds: always the same for the same request, and resting on the passages it is given. */

type Message = { role: string; content: string }

const passagePattern = /<passage n="(\d+)"[^>]*>\n?([\s\S]*?)\n?<\/passage>|^\[(\d+)\]\s+(.+)$/gm

/** The tokens of the answer to a chat. A partial answer at the end of it is continued. */
export function answerTo(messages: Message[]): string[] {
  const partialAt = messages.findLastIndex((message) => message.role === 'assistant')
  const questionAt = messages.findLastIndex(
    (message, i) => message.role === 'user' && (partialAt < 0 || i < partialAt),
  )
  const last = messages.at(-1)
  // Continued are an answer at the very end, and one that only an instruction to go on follows.
  const goesOn =
    partialAt >= 0 &&
    (last?.role === 'assistant' || /continue|interrupted/i.test(last?.content ?? '')) &&
    questionAt >= 0
  const asked = goesOn ? messages[questionAt] : messages.findLast((message) => message.role === 'user')
  const whole = wholeAnswer(asked?.content ?? '')
  const said = goesOn ? (messages[partialAt]?.content ?? '') : ''
  return tokensOf(whole.startsWith(said) ? whole.slice(said.length) : whole)
}

function wholeAnswer(prompt: string): string {
  const question = /(?:^|\n)Question: ([\s\S]*)$/.exec(prompt)?.[1] ?? prompt.replaceAll(passagePattern, '')
  const passages = [...prompt.matchAll(passagePattern)].map((match) => ({
    n: Number(match[1] ?? match[3]),
    text: match[2] ?? match[4] ?? '',
  }))
  if (passages.length === 0)
    return `You said: ${question.trim().replaceAll(/\s+/g, ' ')} That is all I know about it.`
  const wanted = new Set(wordsOf(question))
  const sentences = passages.flatMap(({ n, text }) =>
    text.split(/(?<=[.!?。！？])\s*|\n+/).map((sentence) => ({ n, sentence: sentence.trim() })),
  )
  const fit = (sentence: string) => wordsOf(sentence).filter((word) => wanted.has(word)).length
  const best = sentences
    .filter(({ sentence }) => sentence !== '')
    .toSorted((a, b) => fit(b.sentence) - fit(a.sentence))[0]
  return best ? `According to the documents, ${best.sentence} [${best.n}]` : 'The documents do not say.'
}

/** As a tokenizer would: each word with the blank before it. */
const tokensOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? []

const wordsOf = (text: string): string[] =>
  (text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).flatMap((word) =>
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(word) ? [...word] : [word],
  )

const dimensions = 256
/** What models want before a text says nothing about the text. */
const prefix =
  /^(?:search_query|search_document|query|passage): |^Instruct: .*\nQuery: |^task: search result \| query: |^title: none \| text: /

/** A bag of words, hashed and normalised: texts that share words are near each other, so ranking depends on retrieval. */
export function embedding(text: string): number[] {
  const vector = Array.from({ length: dimensions }, () => 0)
  for (const word of wordsOf(text.replace(prefix, ''))) {
    const place = hash(word) % dimensions
    vector[place] = (vector[place] ?? 0) + 1
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
