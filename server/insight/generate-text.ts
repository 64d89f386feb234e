import type { ChatMessage, ChatModel } from '../models/index.ts'

/** All that a model says to some messages that are no question of a person's. */
export async function generateText(
  model: ChatModel,
  messages: ChatMessage[],
  limits: { maxTokens: number; temperature: number },
  signal: AbortSignal,
): Promise<string> {
  let said = ''
  const request = {
    messages,
    ...limits,
    grounding: { question: '', passages: [], answerable: null },
  }
  for await (const part of model.stream(request, signal)) if (part.type === 'text') said += part.text
  return said
}
