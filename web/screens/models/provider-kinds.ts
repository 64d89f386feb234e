import type { ProviderKind } from '../../../contract/models.ts'

export const kindLabels: Record<ProviderKind, string> = {
  openai: 'OpenAI or compatible',
  anthropic: 'Anthropic',
  google: 'Google',
  ollama: 'Ollama',
}
