import type { ChatMessage, ChatModel } from './port.ts'

/** Returns a model's whole reply to messages that are not a user's question. */
export async function generateText(
  model: ChatModel,
  messages: ChatMessage[],
  limits: { maxTokens: number; temperature: number },
  signal: AbortSignal,
): Promise<string> {
  let text = ''
  const request = {
    messages,
    ...limits,
    grounding: { question: '', passages: [], answerable: null },
  }
  for await (const part of model.stream(request, signal)) if (part.type === 'text') text += part.text
  return text
}
