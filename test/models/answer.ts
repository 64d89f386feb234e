import type { ChatModel } from '../../server/models/index.ts'

export const { signal } = new AbortController()
const grounding = { question: '', passages: [], answerable: null }
export const question = { messages: [{ role: 'user' as const, content: 'Hello' }], grounding }

/** Requests an answer of a model, and returns the text and its parts. */
export async function answerOf(model: ChatModel) {
  const parts = await Array.fromAsync(model.stream(question, signal))
  return {
    text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    end: parts.at(-1),
    parts,
  }
}
