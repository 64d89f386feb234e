/** The maximum number of characters of a continuation that are buffered to find out whether it repeats earlier text. */
const windowCharacters = 240
/** Shorter matches are ordinary words, not a repetition. */
const minOverlapCharacters = 8

/**
 * Removes the text that the continuation of an answer repeats from `earlier`. A model that is asked to continue may
 * start over, or repeat the last words first. `add` takes a piece of the continuation and returns its new text; `end`
 * returns what is still buffered.
 */
export function removeOverlap(earlier: string): { add(text: string): string; end(): string } {
  const tail = earlier.slice(-windowCharacters)
  let held = ''
  let repeated = 0
  let state: 'deciding' | 'repeating' | 'passing' = earlier === '' ? 'passing' : 'deciding'

  function decide(isFinal: boolean): string {
    if (state === 'deciding') {
      const start = held.trimStart()
      const startsOver =
        start.length >= Math.min(windowCharacters, earlier.length) &&
        earlier.startsWith(start.slice(0, earlier.length))
      if (startsOver) {
        state = 'repeating'
        held = start
      } else if (
        !isFinal &&
        held.length < windowCharacters &&
        (earlier.startsWith(start) || tail.includes(held))
      ) {
        return ''
      } else {
        state = 'passing'
        return release(overlapLength(earlier, held))
      }
    }
    let matched = 0
    while (repeated < earlier.length && matched < held.length && held[matched] === earlier[repeated]) {
      matched += 1
      repeated += 1
    }
    const rest = release(matched)
    if (repeated === earlier.length || rest !== '') state = 'passing'
    return rest
  }

  function release(from: number): string {
    const rest = held.slice(from)
    held = ''
    return rest
  }

  return {
    add(text) {
      if (state === 'passing') return text
      held += text
      return decide(false)
    },
    end: () => (held === '' ? '' : decide(true)),
  }
}

/** Returns how many characters at the start of `next` are also the end of `earlier`. */
function overlapLength(earlier: string, next: string): number {
  for (let length = Math.min(earlier.length, next.length); length >= minOverlapCharacters; length--)
    if (earlier.endsWith(next.slice(0, length))) return length
  return 0
}
