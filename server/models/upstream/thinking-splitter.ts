import type { ModelPart } from '../port.ts'

type OutputPart = Extract<ModelPart, { type: 'text' | 'thinking' }>

const openingTag = /^\s*<(think|thinking)>\s*/
const openingTagPrefix = /^\s*(?:<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g?))?)?)?)?)?)?)?)?$/

/**
 * Tells a model's thinking from its answer where both come as one text: an answer that begins with `<think>` thinks
 * up to `</think>`. Tags further on are text like any other. `end` returns what was still held back.
 */
export function createThinkingSplitter(): { add(text: string): OutputPart[]; end(): OutputPart[] } {
  let state: 'start' | 'thinking' | 'gap' | 'text' = 'start'
  let held = ''
  let closing = ''

  function step(final: boolean): OutputPart[] {
    const parts: OutputPart[] = []
    if (state === 'start') {
      const tag = openingTag.exec(held)
      if (tag) {
        state = 'thinking'
        closing = `</${tag[1]}>`
        held = held.slice(tag[0].length)
      } else if (!final && openingTagPrefix.test(held)) {
        return parts
      } else {
        state = 'text'
      }
    }
    if (state === 'thinking') {
      const end = held.indexOf(closing)
      const thought =
        end === -1
          ? held.slice(0, held.length - (final ? 0 : closingTagPrefixLength(held, closing)))
          : held.slice(0, end)
      if (thought !== '') parts.push({ type: 'thinking', text: thought })
      if (end === -1) {
        held = held.slice(thought.length)
        return parts
      }
      held = held.slice(end + closing.length)
      state = 'gap'
    }
    if (state === 'gap') {
      held = held.trimStart()
      if (held === '') return parts
      state = 'text'
    }
    if (held !== '') parts.push({ type: 'text', text: held })
    held = ''
    return parts
  }

  return {
    add(text) {
      if (state === 'text') return text === '' ? [] : [{ type: 'text', text }]
      held += text
      return step(false)
    },
    end: () => (held === '' ? [] : step(true)),
  }
}

/** How many characters at the end of `text` may be the beginning of the closing tag. */
function closingTagPrefixLength(text: string, closing: string): number {
  for (let length = Math.min(closing.length - 1, text.length); length > 0; length--)
    if (closing.startsWith(text.slice(-length))) return length
  return 0
}
