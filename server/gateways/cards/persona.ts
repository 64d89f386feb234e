import type { Character } from './card.ts'

type Section = 'description' | 'personality' | 'scenario' | 'exampleDialogue' | 'furtherInstructions'

/**
 * The headings in a persona by the members of a card; the text before the first heading is the system prompt. Avees
 * have a separate field for the example dialogue, which the persona of an earlier import contains.
 */
const headings: Record<Section, string> = {
  description: 'Description',
  personality: 'Personality',
  scenario: 'Scenario',
  exampleDialogue: 'Example dialogue',
  furtherInstructions: 'Further instructions',
}
const sections = Object.entries(headings) as [Section, string][]

type Parts = Pick<Character, Section | 'systemPrompt'>

/** Returns the text of a persona with these parts. */
export const joinPersona = (parts: Omit<Parts, 'exampleDialogue'>): string =>
  [
    parts.systemPrompt,
    ...sections.map(([name, heading]) => {
      const text = name === 'exampleDialogue' ? '' : parts[name]
      return text && `## ${heading}\n\n${text}`
    }),
  ]
    .map((part) => part.trim())
    .filter(Boolean)
    .join('\n\n')

/** Splits a persona at the headings of `joinPersona`. A text without them is a description. */
export function splitPersona(persona: string): Parts {
  const parts: Parts = {
    systemPrompt: '',
    description: '',
    personality: '',
    scenario: '',
    exampleDialogue: '',
    furtherInstructions: '',
  }
  let current: keyof Parts = 'systemPrompt'
  for (const line of persona.split('\n')) {
    const found = sections.find(([, heading]) => line === `## ${heading}`)
    if (found) current = found[0]
    else parts[current] += `${line}\n`
  }
  for (const name of Object.keys(parts) as (keyof Parts)[]) parts[name] = parts[name].trim()
  if (current === 'systemPrompt') return { ...parts, systemPrompt: '', description: parts.systemPrompt }
  return parts
}

/** Begins the last line of a document that was an entry of a lorebook. */
export const keywordsLine = '\n\nKeywords: '

/** Replaces the placeholders of cards for the character and its user. */
export const fillPlaceholders = (text: string, name: string): string =>
  text
    .replaceAll(/\{\{char\}\}|<BOT>/gi, () => name)
    .replaceAll(/\{\{user\}\}|<USER>/gi, 'User')
    .replaceAll(/\{\{original\}\}/gi, '')
    .replaceAll('\0', '')
    .trim()
