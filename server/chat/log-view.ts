import type { Avees } from '../avees/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import type { LogView, Viewer } from '../runs/index.ts'
import type { ChatEvents, StoredComplete } from './events.ts'
import { accessTo, type StoredAnswer, showCitation, showContent } from './policy.ts'

export type LogViewDependencies = {
  avees: Pick<Avees, 'view'>
  knowledge: Pick<Knowledge, 'layersOf'>
  memory: Pick<Memory, 'visibleAmong'>
}

/** The answer of a log; undefined while it is running. */
type Answer = { aveeId: string; answer: StoredAnswer | undefined }

/**
 * Shows the log of an answer as a reader may see it now. Tokens are unchanged, except in a finished answer with
 * quotations that are now hidden: its first token then contains all of the remaining text and the others are empty, so
 * that events keep their numbers.
 */
export async function createLogView(
  { avees, knowledge, memory }: LogViewDependencies,
  { aveeId, answer }: Answer,
  viewer: Viewer,
): Promise<LogView> {
  let replacement = await replacementText()
  const isReplaced = replacement !== undefined

  async function replacementText(): Promise<string | undefined> {
    if (answer?.model !== 'extractive') return undefined
    const { layer } = await avees.view(viewer, aveeId)
    const content = showContent(answer, await accessTo([answer], { layer, userId: viewer.userId }, knowledge))
    return content === answer.content ? undefined : content
  }

  async function showComplete(event: StoredComplete): Promise<ChatEvents['complete']> {
    const { layer } = await avees.view(viewer, aveeId)
    const [access, memories] = await Promise.all([
      accessTo([{ citations: event.citations, documents: [] }], { layer, userId: viewer.userId }, knowledge),
      memory.visibleAmong(
        viewer,
        aveeId,
        event.memories.map(({ id }) => id),
      ),
    ])
    return {
      ...event,
      citations: event.citations.map((citation) => showCitation(citation, access)),
      memories: event.memories.filter(({ id }) => memories.has(id)),
    }
  }

  return {
    needsWholeLog: isReplaced,
    show({ data }) {
      if (!data.startsWith('{"token":')) {
        const event = JSON.parse(data) as Partial<StoredComplete>
        return event.event === 'complete' ? showComplete(event as StoredComplete) : undefined
      }
      if (!isReplaced) return undefined
      const token = replacement ?? ''
      replacement = ''
      return { token }
    },
  }
}
