/** Returns a pseudo-random generator with a fixed sequence. */
function random(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
export const chance = random(7)

const syllables =
  'ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bra cle dri flo gru sta spe tri'.split(' ')
const vocabulary = Array.from({ length: 60_000 }, () =>
  Array.from(
    { length: 1 + Math.floor(chance() * 3) },
    () => syllables[Math.floor(chance() * syllables.length)],
  ).join(''),
)

/** Draws words by Zipf's law. */
const wordAt = (from: number): string =>
  vocabulary[(Math.floor(Math.exp(chance() * Math.log(vocabulary.length))) - 1 + from) % vocabulary.length] ??
  ''

function sentence(subject: number): string {
  const words = Array.from({ length: 8 + Math.floor(chance() * 14) }, () =>
    wordAt(chance() < 0.3 ? subject : 0),
  )
  const text = words.join(' ')
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`
}

/** Returns a synthetic document with a subject of its own; each paragraph makes about one passage. */
export function syntheticDocument(
  number: number,
  paragraphs: number,
): { title: string; paragraphs: string[] } {
  const subject = Math.floor(chance() * vocabulary.length)
  return {
    title: `Document ${number} on ${wordAt(subject)}`,
    paragraphs: Array.from({ length: paragraphs }, () =>
      Array.from({ length: 6 }, () => sentence(subject)).join(' '),
    ),
  }
}
