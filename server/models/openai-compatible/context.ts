/** Minimum context windows by name, from the providers' model pages. Other models are assumed to be local. */
const knownContexts: [RegExp, number][] = [
  [/(?:^|\/)(?:gpt-(?:4o|4\.1|4-turbo|[5-9])|chatgpt|o[1-9])/i, 128_000],
  [/(?:^|\/)(?:claude|gemini|grok|deepseek|mistral-(?:large|medium|small))/i, 64_000],
  [/(?:^|\/)gpt-3\.5/i, 16_000],
]
const defaultContextTokens = 8_192

/** Determines context windows: from a rejected prompt, the service's list, the name, or the settings, in this order. */
export function createServedContexts(configured: number | undefined) {
  const limits = new Map<string, number>()
  return {
    get(name: string, listed: number | null): number {
      const byName = knownContexts.find(([pattern]) => pattern.test(name))?.[1]
      return limits.get(name) ?? listed ?? byName ?? configured ?? defaultContextTokens
    },
    lower: (name: string, limit: number): void => void limits.set(name, limit),
  }
}
