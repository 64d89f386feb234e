import type { ProviderKind } from '../../../contract/models.ts'
import { type Message, message } from '../../languages/index.ts'

export const kindLabels: Record<ProviderKind, Message> = {
  openai: message('OpenAI or compatible'),
  anthropic: message('Anthropic'),
  google: message('Google'),
  ollama: message('Ollama'),
  in_process: message('This server'),
}
