import type { CitedPassage } from '../../contract/messages.ts'
import type { Db } from '../db/index.ts'
import { hideQuotations } from '../models/index.ts'
import type { Runs } from '../runs/index.ts'
import { listQuoting, type MessageRow, saveWithoutQuotations } from './store/messages.ts'

const batchSize = 100

/**
 * Removes quotations of deleted documents, which readers can no longer see, from the remaining answers and their logs.
 */
export async function purgeQuotations(
  db: Db,
  runs: Pick<Runs, 'rewrite'>,
  documents: string[],
  signal: AbortSignal,
): Promise<void> {
  const deleted = new Set(documents)
  const strip = (citations: CitedPassage[]) =>
    citations.map((citation) => (deleted.has(citation.document_id) ? withoutText(citation) : citation))

  async function purge(answer: MessageRow): Promise<void> {
    const shown = new Set(
      answer.citations.flatMap(({ n, document_id }) => (deleted.has(document_id) ? [] : [n])),
    )
    const content =
      answer.model === 'extractive' ? hideQuotations(answer.content, (n) => shown.has(n)) : answer.content
    let rest = content
    if (answer.run_id !== null)
      await runs.rewrite(answer.run_id, (data) => {
        if (data.startsWith('{"token":')) {
          if (content === answer.content) return undefined
          const token = rest
          rest = ''
          return JSON.stringify({ token })
        }
        const event = JSON.parse(data) as { citations?: CitedPassage[] }
        return event.citations && JSON.stringify({ ...event, citations: strip(event.citations) })
      })
    await saveWithoutQuotations(db, answer.id, content, strip(answer.citations))
  }

  if (documents.length === 0) return
  for (let after = '0'; ; ) {
    signal.throwIfAborted()
    const answers = await listQuoting(db, documents, after, batchSize)
    for (const answer of answers) await purge(answer)
    const last = answers.at(-1)
    if (!last || answers.length < batchSize) return
    after = last.seq
  }
}

/** Keeps only the reference, so that readers see that the document was deleted. */
const withoutText = (citation: CitedPassage): CitedPassage =>
  Object.fromEntries(
    Object.entries(citation).map(([name, value]) => [
      name,
      typeof value === 'string' && name !== 'document_id' && name !== 'layer' ? '' : value,
    ]),
  ) as CitedPassage
