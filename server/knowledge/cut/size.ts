/** What takes as much room in a prompt as an English word: an ideograph about two thirds of one, a Thai letter a quarter. */
const ideographWords = 0.65
const unspacedLetterWords = 0.25
/** A run without blanks (an address, a hash, base64) weighs a further word for each 16 characters. */
const longRun = 16

const run = /\S+/g
const ideograph = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu
const unspacedLetter = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu
const mayBeUnspaced = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\ud840-\ud8bf]/

/** The length of a text in words, or in what weighs as much in scripts that are written without blanks. */
export function wordsIn(text: string): number {
  let words = 0
  for (const [letters] of text.matchAll(run))
    words += mayBeUnspaced.test(letters) ? unspacedWords(letters) : spacedWords(letters)
  return words
}

const spacedWords = (letters: string) => 1 + Math.floor((letters.length - 1) / longRun)

function unspacedWords(letters: string): number {
  const ideographs = letters.match(ideograph)?.length ?? 0
  const others = letters.match(unspacedLetter)?.length ?? 0
  return Math.max(1, ideographs * ideographWords + others * unspacedLetterWords)
}

/** The offset, or the next one where it would tear a surrogate pair. */
export const wholeCharacters = (text: string, offset: number) =>
  /[\udc00-\udfff]/.test(text.charAt(offset)) ? offset + 1 : offset
