/** At most so much of a continuation is held back until it is clear whether it repeats what was said. */
const window = 240
/** Shorter overlaps are ordinary words, not a repetition. */
const shortestOverlap = 8

/**
 * The seam of an answer that goes on after an interruption. A model that was asked to continue may begin again from
 * the start, or repeat the last words before it goes on; neither may be said twice.
 *
 * Feed it the model's text as it comes; it returns what is new. `end` returns what was still held back.
 */
export function removeOverlap(said: string): { add(text: string): string; end(): string } {
  const lastWords = said.slice(-window)
  let held = ''
  let repeated = 0
  let state: 'deciding' | 'repeating' | 'through' = said === '' ? 'through' : 'deciding'

  function decide(final: boolean): string {
    if (state === 'deciding') {
      const probe = held.trimStart()
      const beginsAgain =
        probe.length >= Math.min(window, said.length) && said.startsWith(probe.slice(0, said.length))
      if (beginsAgain) {
        state = 'repeating'
        held = probe
      } else if (!final && held.length < window && (said.startsWith(probe) || lastWords.includes(held))) {
        return ''
      } else {
        state = 'through'
        const rest = held.slice(overlap(said, held))
        held = ''
        return rest
      }
    }
    if (state === 'repeating') {
      const before = repeated
      while (
        repeated < said.length &&
        repeated - before < held.length &&
        held[repeated - before] === said[repeated]
      )
        repeated += 1
      const rest = held.slice(repeated - before)
      held = ''
      if (repeated === said.length || rest !== '') state = 'through'
      return rest
    }
    const rest = held
    held = ''
    return rest
  }

  return {
    add(text) {
      if (state === 'through') return text
      held += text
      return decide(false)
    },
    end: () => (held === '' ? '' : decide(true)),
  }
}

/** How many characters at the start of `next` already stand at the end of `said`. */
function overlap(said: string, next: string): number {
  for (let length = Math.min(said.length, next.length); length >= shortestOverlap; length--)
    if (said.endsWith(next.slice(0, length))) return length
  return 0
}
