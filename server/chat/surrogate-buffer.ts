const ends = /[\uD800-\uDBFF]$/

/**
 * Text as a store can keep it, from text that comes in pieces: a character that is cut between two pieces is put
 * together, half a character becomes U+FFFD. So what is told and what is stored are the same.
 */
export function surrogateBuffer(): { add(text: string): string; end(): string } {
  let half = ''
  return {
    add(text) {
      const all = half + text
      half = ends.test(all) ? all.slice(-1) : ''
      return all.slice(0, all.length - half.length).toWellFormed()
    },
    end() {
      const rest = half.toWellFormed()
      half = ''
      return rest
    },
  }
}
