import * as z from 'zod/mini'

/** Cards are edited by many programs: a member that is missing or of another type counts as empty. */
const { catch: otherwise } = z

const text = otherwise(z.string(), '')
const texts = otherwise(z.array(z.string()), [])

const bookEntry = z.object({
  keys: texts,
  secondary_keys: texts,
  content: text,
  enabled: otherwise(z.boolean(), true),
  name: text,
  comment: text,
})

const asset = z.object({ type: text, uri: text, name: text, ext: text })

const cardData = z.object({
  name: text,
  description: text,
  personality: text,
  scenario: text,
  first_mes: text,
  mes_example: text,
  creator_notes: text,
  system_prompt: text,
  post_history_instructions: text,
  alternate_greetings: texts,
  group_only_greetings: texts,
  tags: texts,
  creator: text,
  character_version: text,
  nickname: text,
  extensions: otherwise(z.record(z.string(), z.unknown()), {}),
  assets: otherwise(z.array(asset), []),
  character_book: z.optional(
    otherwise(z.nullable(z.object({ entries: z._default(z.array(bookEntry), []) })), null),
  ),
})
export type CardData = z.infer<typeof cardData>

/** Version 1 has the members at the top level, later versions in `data`. */
const card = z.union([z.object({ data: cardData, spec: z.string() }), cardData])

/** Parses the JSON of a character card of version 1, 2 or 3; undefined for anything else. */
export function parseCard(json: unknown): CardData | undefined {
  const parsed = card.safeParse(json)
  if (!parsed.success) return undefined
  const data = 'data' in parsed.data ? parsed.data.data : parsed.data
  return data.name.trim() === '' ? undefined : data
}

/** A lorebook entry in the common form of both versions. */
export type BookEntry = { name: string; keys: string[]; content: string }

export type Character = {
  name: string
  description: string
  personality: string
  scenario: string
  systemPrompt: string
  exampleDialogue: string
  furtherInstructions: string
  greeting: string
  notes: string
  entries: BookEntry[]
  /** The URI of the portrait, see the assets of version 3. */
  portrait: string | null
}

/** Returns a card as JSON of version 2 or 3. */
export function writeCard(character: Character, version: 2 | 3): object {
  const { portrait } = character
  const entries = character.entries.map(({ name, keys, content }, i) => ({
    keys,
    content,
    extensions: {},
    enabled: true,
    insertion_order: i,
    name,
    ...(version === 3 ? { use_regex: false, constant: false } : {}),
  }))
  return {
    spec: `chara_card_v${version}`,
    spec_version: `${version}.0`,
    data: {
      name: character.name,
      description: character.description,
      personality: character.personality,
      scenario: character.scenario,
      first_mes: character.greeting,
      mes_example: character.exampleDialogue,
      creator_notes: character.notes,
      system_prompt: character.systemPrompt,
      post_history_instructions: character.furtherInstructions,
      alternate_greetings: [],
      tags: [],
      creator: '',
      character_version: '',
      extensions: {},
      ...(entries.length > 0 ? { character_book: { extensions: {}, entries } } : {}),
      ...(version === 3
        ? {
            group_only_greetings: [],
            assets: portrait
              ? [{ type: 'icon', uri: portrait, name: 'main', ext: extensionOf(portrait) }]
              : [],
          }
        : {}),
    },
  }
}

const extensionOf = (uri: string) => /^data:image\/(\w+)/.exec(uri)?.[1] ?? 'png'
