import type { Catalogue } from '../catalogue.ts'

/** What models of these names read at least; others are taken for local ones until they tell. */
const wellKnown: [RegExp, number][] = [
  [/(?:^|\/)(?:gpt-(?:4o|4\.1|4-turbo|[5-9])|chatgpt|o[1-9])/i, 128_000],
  [/(?:^|\/)(?:claude|gemini|grok|deepseek|mistral-(?:large|medium|small))/i, 64_000],
  [/(?:^|\/)gpt-3\.5/i, 16_000],
]
const unknown = 8_192

/** Tokens that a served model reads: as learned from a refusal, as set, as the service lists it, or by its name. */
export function createServedContexts(configured: number | undefined, catalogue: Catalogue) {
  const learned = new Map<string, number>()
  return {
    async of(name: string): Promise<number> {
      const served = await catalogue.served()
      const listed = served?.up ? served.told?.find((model) => model.name === name)?.contextLength : undefined
      const byName = wellKnown.find(([pattern]) => pattern.test(name))?.[1]
      return learned.get(name) ?? listed ?? byName ?? configured ?? unknown
    },
    lower: (name: string, limit: number): void => void learned.set(name, limit),
  }
}
