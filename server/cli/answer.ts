import { type Answer, answerFold, runIdOf, sendOnce } from '../../client/index.ts'
import { streamAnswer } from '../../contract/chat.ts'
import { createConversation } from '../../contract/conversations.ts'
import type { Citation } from '../../contract/messages.ts'
import { stopRun } from '../../contract/runs.ts'
import type { Connection } from './connection.ts'
import { followRun } from './run.ts'
import type { Terminal } from './terminal.ts'

export const startConversation = async ({ client }: Connection, avee: string): Promise<string> =>
  (await client.call(createConversation, { body: { avee } })).id

/**
 * Asks a question and streams the answer to the terminal, with its citations. A lost connection is resumed after the
 * last event. Aborting `signal` stops the answer on the server. @throws ApiError
 */
export async function askAndPrint(
  { client }: Connection,
  terminal: Terminal,
  { conversation, question, model }: { conversation: string; question: string; model?: string | undefined },
  signal?: AbortSignal,
): Promise<Answer> {
  const response = await sendOnce((idempotencyKey) =>
    client.open(streamAnswer, {
      body: { conversation_id: conversation, question, ...(model === undefined ? {} : { model }) },
      idempotencyKey,
    }),
  )
  const runId = runIdOf(response)
  const stop = () => void client.call(stopRun, { params: { id: runId } }).catch(() => undefined)
  signal?.addEventListener('abort', stop, { once: true })
  let written = 0
  terminal.progress('Waiting for the model …')
  const answer = await followRun(client, terminal, response, answerFold, ({ text, waitingFor }) => {
    if (text.length > written && !terminal.isJson) terminal.write(text.slice(written))
    else if (waitingFor !== undefined) terminal.progress(waitingFor)
    written = text.length
  }).finally(() => signal?.removeEventListener('abort', stop))
  printEnd(terminal, answer)
  return answer
}

function printEnd(terminal: Terminal, { text, phase, error, citations, model }: Answer): void {
  if (!terminal.isJson && !text.endsWith('\n')) terminal.write('\n')
  const cited = citations.filter((citation) => citation.status === 'available' && citation.cited)
  if (cited.length > 0) terminal.print()
  for (const citation of cited) terminal.print(terminal.style('dim', describeCitation(citation)))
  if (phase === 'stopped') terminal.note('Stopped.')
  if (phase === 'failed') terminal.note(error?.message ?? 'The answer failed.')
  else if (model !== undefined) terminal.print(terminal.style('dim', `Model: ${model}`))
}

const describeCitation = (citation: Citation): string =>
  citation.status === 'available'
    ? `[${citation.n}] ${citation.title}${citation.page === null ? '' : `, page ${citation.page}`}`
    : `[${citation.n}]`
