import type { ModelPart } from '../port.ts'

type OutputPart = Extract<ModelPart, { type: 'text' | 'thinking' }>

const openingTag = /^\s*<(think|thinking)>\s*/
const openingTagPrefix = /^\s*(?:<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g?))?)?)?)?)?)?)?)?$/

/**
 * Separates thinking from the answer when a model emits both as one text: an output that begins with `<think>` is
 * thinking up to `</think>`. Later tags are text. `end` returns the buffered rest.
 */
export function createThinkingSplitter(): { add(text: string): OutputPart[]; end(): OutputPart[] } {
  let state: 'start' | 'thinking' | 'gap' | 'text' = 'start'
  let buffered = ''
  let closing = ''

  function step(final: boolean): OutputPart[] {
    const parts: OutputPart[] = []
    if (state === 'start') {
      const tag = openingTag.exec(buffered)
      if (tag) {
        state = 'thinking'
        closing = `</${tag[1]}>`
        buffered = buffered.slice(tag[0].length)
      } else if (!final && openingTagPrefix.test(buffered)) {
        return parts
      } else {
        state = 'text'
      }
    }
    if (state === 'thinking') {
      const end = buffered.indexOf(closing)
      const thought =
        end === -1
          ? buffered.slice(0, buffered.length - (final ? 0 : closingTagPrefixLength(buffered, closing)))
          : buffered.slice(0, end)
      if (thought !== '') parts.push({ type: 'thinking', text: thought })
      if (end === -1) {
        buffered = buffered.slice(thought.length)
        return parts
      }
      buffered = buffered.slice(end + closing.length)
      state = 'gap'
    }
    if (state === 'gap') {
      buffered = buffered.trimStart()
      if (buffered === '') return parts
      state = 'text'
    }
    if (buffered !== '') parts.push({ type: 'text', text: buffered })
    buffered = ''
    return parts
  }

  return {
    add(text) {
      if (state === 'text') return text === '' ? [] : [{ type: 'text', text }]
      buffered += text
      return step(false)
    },
    end: () => (buffered === '' ? [] : step(true)),
  }
}

/** Returns the length of the longest suffix of `text` that is a prefix of the closing tag. */
function closingTagPrefixLength(text: string, closing: string): number {
  for (let length = Math.min(closing.length - 1, text.length); length > 0; length--)
    if (closing.startsWith(text.slice(-length))) return length
  return 0
}
