import type { Readable } from 'node:stream'
import type { NotTakenOver } from '../../../contract/cards.ts'
import { suggestHandle } from '../../../contract/suggest-handle.ts'
import type { AveeCard, Avees } from '../../avees/index.ts'
import { AppError } from '../../errors.ts'
import type { Caller } from '../../http/caller.ts'
import { sanitizeFilename } from '../../http/uploads.ts'
import { type Knowledge, limited, type NamedFile } from '../../knowledge/index.ts'
import type { Memory } from '../../memory/index.ts'
import type { Models } from '../../models/index.ts'
import { type Manifest, openAveeFile } from './avee-file.ts'
import type { CardData } from './card.ts'
import type { ReadCard } from './card-worker.ts'
import { fillPlaceholders, joinPersona, keywordsLine } from './persona.ts'
import { readCardFile } from './read-card.ts'

export type ImportDependencies = {
  avees: Avees
  knowledge: Knowledge
  memory: Memory
  models: Pick<Models, 'requireChatModel'>
}

/** The result of an import; `runs` add the documents. */
export type Imported = { card: AveeCard; runs: string[]; documents: number; notTakenOver: NotTakenOver[] }

/** The limits of an avee's members (contract/avees.ts). */
const limits = { displayName: 100, bio: 500, persona: 40_000, greeting: 2_000, dialogue: 20_000 }
const maxHandleAttempts = 50
const maxMemories = 5_000
const maxEntryTitle = 300

/** Creates avees from character cards and .avee files. */
export function importer({ avees, knowledge, memory, models }: ImportDependencies) {
  /** Creates an avee under the preferred handle, or the first free variant of it. */
  async function create(
    caller: Caller,
    preferredHandle: string,
    fields: Omit<Parameters<Avees['create']>[1], 'handle'>,
  ): Promise<AveeCard> {
    const base = (suggestHandle(preferredHandle).slice(0, 26) || 'avee').padEnd(3, '0')
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await avees.create(caller, {
          ...fields,
          handle: attempt === 1 ? base : `${base}-${attempt}`,
        })
      } catch (error) {
        const isTaken = error instanceof AppError && /^handle_(?:taken|reserved)$/.test(error.code)
        if (!isTaken || attempt === maxHandleAttempts) throw error
      }
    }
  }

  const isKnown = (model: string): Promise<boolean> =>
    models.requireChatModel(model).then(
      () => true,
      (error: unknown) => !(error instanceof AppError) || error.status >= 500,
    )

  async function addDocuments(
    caller: Caller,
    aveeId: string,
    files: (NamedFile & { layer: Manifest['documents'][number]['layer'] })[],
  ): Promise<string[]> {
    const runs: string[] = []
    // A run has one layer and one source.
    for (const group of Map.groupBy(
      files,
      ({ layer, filename }) => `${layer} ${filename === null}`,
    ).values()) {
      const [{ layer, filename }] = group as [(typeof files)[number]]
      const target = { userId: caller.userId, aveeId, layer, usualLayer: layer }
      const run = await knowledge.ingestNamed(target, filename === null ? 'text' : 'upload', group)
      runs.push(run.id)
    }
    return runs
  }

  async function importCard(caller: Caller, { card, portrait, problem }: ReadCard): Promise<Imported> {
    const notTakenOver = leftOut(card)
    const note = (field: string, message: string) => void notTakenOver.push({ field, message })
    if (problem !== null) note('portrait', problem)
    const name = card.name.trim()
    const fill = (text: string) => fillPlaceholders(text, name)
    const shorten = (field: string, text: string, max: number) => {
      if (text.length > max) note(field, `Shortened to ${max} characters.`)
      return text.slice(0, max).toWellFormed()
    }
    const created = await create(caller, card.nickname || name, {
      display_name: shorten('name', fill(card.name), limits.displayName),
      bio: shorten('creator_notes', fill(card.creator_notes), limits.bio),
      greeting: shorten('first_mes', fill(card.first_mes), limits.greeting),
      example_dialogue: shorten('mes_example', fill(card.mes_example), limits.dialogue),
      persona: shorten(
        'description',
        joinPersona({
          systemPrompt: fill(card.system_prompt),
          description: fill(card.description),
          personality: fill(card.personality),
          scenario: fill(card.scenario),
          furtherInstructions: fill(card.post_history_instructions),
        }),
        limits.persona,
      ),
      avatar: portrait,
      visibility: 'private',
    })
    const entries = (card.character_book?.entries ?? []).filter(({ content }) => content.trim() !== '')
    const enabled = entries.filter((entry) => entry.enabled)
    const disabled = entries.length - enabled.length
    if (disabled > 0)
      note(
        'character_book',
        disabled === 1
          ? 'One disabled entry was not imported.'
          : `${disabled} disabled entries were not imported.`,
      )
    const files = await Promise.all(
      enabled.map(async (entry, i) => {
        const keys = [...entry.keys, ...entry.secondary_keys].map((key) => key.trim()).filter(Boolean)
        const title = (entry.name || entry.comment || keys.join(', ') || `Lorebook entry ${i + 1}`)
          .replaceAll(/[\p{Cc}\s]+/gu, ' ')
          .slice(0, maxEntryTitle)
        // Lines that begin with @@ are instructions for other programs.
        const text = fill(entry.content.replaceAll(/^@@.*$/gm, ''))
        const written = keys.length > 0 ? `${text}${keywordsLine}${keys.join(', ')}\n` : `${text}\n`
        const staged = await knowledge.staging.stage([Buffer.from(written)])
        return { filename: null, title, staged, layer: 'public' as const }
      }),
    )
    const runs = await addDocuments(caller, created.avee.id, files).catch(async (error: unknown) => {
      await avees.delete(caller, created.avee.id)
      throw error
    })
    return { card: created, runs, documents: files.length, notTakenOver }
  }

  async function importAvee(
    caller: Caller,
    { manifest, open }: { manifest: Manifest; open: (name: string) => Promise<Readable> },
    maxBytes: number,
  ): Promise<Imported> {
    const notTakenOver: NotTakenOver[] = []
    const { handle, persona_notes, model, ...fields } = manifest.avee
    const isModelKnown = model !== undefined && (await isKnown(model))
    if (model !== undefined && !isModelKnown)
      notTakenOver.push({ field: 'model', message: `There is no model ${model} on this server.` })
    const created = await create(caller, handle, { ...fields, ...(isModelKnown ? { model } : {}) })
    const { id } = created.avee
    if (created.avee.handle !== handle)
      notTakenOver.push({ field: 'handle', message: `The handle ${handle} is taken.` })
    const card = await avees.update(caller, id, { persona_notes })

    const names = new Set<string>()
    const files: Parameters<typeof addDocuments>[2] = []
    let runs: string[]
    try {
      let left = maxBytes
      for (const { file, filename, title, type, source, layer } of manifest.documents) {
        const staged = await knowledge.staging.stage(limited(await open(file), left))
        left -= staged.bytes
        const name = sanitizeFilename(filename ?? `${title}.${type}`) || 'document'
        files.push({ filename: source === 'text' ? null : uniqueName(name, names), title, staged, layer })
      }
      runs = await addDocuments(caller, id, files)
    } catch (error) {
      await Promise.all(files.map(({ staged }) => knowledge.staging.discard(staged)))
      await avees.delete(caller, id)
      throw error
    }

    let refused = Math.max(0, manifest.memories.length - maxMemories)
    for (const { pinned, ...each } of manifest.memories.slice(0, maxMemories).toReversed())
      try {
        const stored = await memory.createMemory(caller, { ...each, avee: id })
        if (pinned) await memory.updateMemory(caller, stored.id, { pinned })
      } catch (error) {
        if (!(error instanceof AppError) || error.status >= 500) throw error
        refused += 1
      }
    if (refused > 0) notTakenOver.push({ field: 'memories', message: `${refused} memories were refused.` })
    return { card, runs, documents: files.length, notTakenOver }
  }

  /**
   * Creates an avee from a file whose contents have at most `maxBytes` in total. @throws not_a_card, avee_file_damaged
   */
  return async (caller: Caller, path: string, isZip: boolean, maxBytes: number): Promise<Imported> => {
    using file = isZip ? await openAveeFile(path) : undefined
    return file
      ? await importAvee(caller, file, maxBytes)
      : await importCard(caller, await readCardFile(path))
  }
}

/** Returns a unique name, because a second file of the same name would replace the first. */
function uniqueName(name: string, taken: Set<string>): string {
  const dot = name.lastIndexOf('.')
  const [base, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  let unique = name
  for (let n = 2; taken.has(unique); n += 1) unique = `${base} (${n})${extension}`
  taken.add(unique)
  return unique
}

/** Lists the parts of a card that avees do not support. */
function leftOut(card: CardData): NotTakenOver[] {
  const left: [string, number, string][] = [
    ['alternate_greetings', card.alternate_greetings.length, 'An avee has one greeting.'],
    ['group_only_greetings', card.group_only_greetings.length, 'There are no group conversations.'],
    ['tags', card.tags.length, 'Avees have no tags.'],
    ['creator', card.creator.length, `Made by ${card.creator.slice(0, 100)}.`],
    ['character_version', card.character_version.length, 'Avees have no version.'],
    ['assets', card.assets.filter(({ type }) => type !== 'icon').length, 'Only the portrait is used.'],
    ['extensions', Object.keys(card.extensions).length, 'Extensions are for other programs.'],
  ]
  return left.flatMap(([field, count, message]) => (count > 0 ? [{ field, message }] : []))
}
