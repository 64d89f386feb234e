/** The words that an ideograph and a letter of an unspaced script count as, by their number of tokens in a prompt. */
const ideographWords = 0.65
const unspacedLetterWords = 0.25
/** Every 16 characters of a run without whitespace (a URL, a hash, base64) count as another word. */
const charactersPerExtraWord = 16

const run = /\S+/g
const ideograph = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu
const unspacedLetter = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu
const mayBeUnspaced = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\ud840-\ud8bf]/

/** Returns the length of a text in words, or the equivalent in scripts without word separators. */
export function wordCount(text: string): number {
  let words = 0
  for (const letters of text.match(run) ?? [])
    words += mayBeUnspaced.test(letters) ? wordsOfUnspacedRun(letters) : wordsOfRun(letters)
  return words
}

const wordsOfRun = (letters: string) => 1 + Math.floor((letters.length - 1) / charactersPerExtraWord)

function wordsOfUnspacedRun(letters: string): number {
  const ideographs = letters.match(ideograph)?.length ?? 0
  const others = letters.match(unspacedLetter)?.length ?? 0
  return Math.max(1, ideographs * ideographWords + others * unspacedLetterWords)
}

/** Returns the offset, or the next one if the offset splits a surrogate pair. */
export const alignToCodePoint = (text: string, offset: number) =>
  /[\udc00-\udfff]/.test(text.charAt(offset)) ? offset + 1 : offset
