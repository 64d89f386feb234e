/** Returns a pseudo-random generator with a fixed sequence. */
function createRandom(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
export const random = createRandom(7)

const syllables =
  'ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bra cle dri flo gru sta spe tri'.split(' ')
const vocabulary = Array.from({ length: 60_000 }, () =>
  Array.from(
    { length: 1 + Math.floor(random() * 3) },
    () => syllables[Math.floor(random() * syllables.length)],
  ).join(''),
)

/** Draws a word by Zipf's law; `offset` shifts which words are frequent. */
const randomWord = (offset: number): string =>
  vocabulary[
    (Math.floor(Math.exp(random() * Math.log(vocabulary.length))) - 1 + offset) % vocabulary.length
  ] ?? ''

function sentence(subject: number): string {
  const words = Array.from({ length: 8 + Math.floor(random() * 14) }, () =>
    randomWord(random() < 0.3 ? subject : 0),
  )
  const text = words.join(' ')
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`
}

/** Returns a synthetic document with a subject of its own; each paragraph makes about one passage. */
export function syntheticDocument(
  number: number,
  paragraphs: number,
): { title: string; paragraphs: string[] } {
  const subject = Math.floor(random() * vocabulary.length)
  return {
    title: `Document ${number} on ${randomWord(subject)}`,
    paragraphs: Array.from({ length: paragraphs }, () =>
      Array.from({ length: 6 }, () => sentence(subject)).join(' '),
    ),
  }
}
