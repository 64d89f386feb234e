const endsWithHighSurrogate = /[\uD800-\uDBFF]$/

/**
 * Joins characters that are split between two pieces of text, and replaces unpaired surrogates with U+FFFD. The
 * database cannot store them, and the streamed text must equal the stored one.
 */
export function surrogateBuffer(): { add(text: string): string; end(): string } {
  let pending = ''
  return {
    add(text) {
      const all = pending + text
      pending = endsWithHighSurrogate.test(all) ? all.slice(-1) : ''
      return all.slice(0, all.length - pending.length).toWellFormed()
    },
    end() {
      const rest = pending.toWellFormed()
      pending = ''
      return rest
    },
  }
}
