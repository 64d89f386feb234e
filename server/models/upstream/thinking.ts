import type { ModelPart } from '../port.ts'

type Said = Extract<ModelPart, { type: 'text' | 'thinking' }>

const opening = /^\s*<(think|thinking)>\s*/
const couldOpen = /^\s*(?:<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g?))?)?)?)?)?)?)?)?$/

/**
 * Tells a model's thinking from its answer where both come as one text: an answer that begins with `<think>` thinks
 * up to `</think>`. Tags further on are text like any other. `end` returns what was still held back.
 */
export function thinkingSplitter(): { add(text: string): Said[]; end(): Said[] } {
  let state: 'start' | 'thinking' | 'gap' | 'text' = 'start'
  let held = ''
  let closing = ''

  function step(final: boolean): Said[] {
    const parts: Said[] = []
    if (state === 'start') {
      const tag = opening.exec(held)
      if (tag) {
        state = 'thinking'
        closing = `</${tag[1]}>`
        held = held.slice(tag[0].length)
      } else if (!final && couldOpen.test(held)) {
        return parts
      } else {
        state = 'text'
      }
    }
    if (state === 'thinking') {
      const end = held.indexOf(closing)
      const thought =
        end === -1
          ? held.slice(0, held.length - (final ? 0 : partOfClosing(held, closing)))
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
function partOfClosing(text: string, closing: string): number {
  for (let length = Math.min(closing.length - 1, text.length); length > 0; length--)
    if (closing.startsWith(text.slice(-length))) return length
  return 0
}
