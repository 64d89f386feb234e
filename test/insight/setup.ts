import type { Avee } from '../../contract/avees.ts'
import type { ConversationAnalysis, TurnAnalysis } from '../../contract/insight.ts'
import type { TestApp } from '../app.ts'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'

/** A document with several headings. */
const engine = `# The Analytical Engine

## Origins

The engine was designed by Charles Babbage in 1837. It was never completed, because the money ran out.

## Weaving

The loom of Jacquard inspired the punched cards. The engine weaves algebraic patterns at 40 per minute.

## The Mill

The mill performs arithmetic. It can add two numbers in three seconds.

## Printing

Results are printed on paper or punched on cards. A bell rings when a card is missing.
`
const { signal } = new AbortController()

/** Creates an owner whose avee has a document. */
export async function createEngineAvee(
  app: TestApp,
  more: Record<string, unknown> = {},
): Promise<TestUser & { avee: Avee }> {
  const owner = await registerUser(app)
  const avee = await createAvee(owner.client, more)
  await uploadFiles(owner.client, [{ name: 'engine.md', content: engine }], {
    avee: avee.id,
    layer: 'public',
  })
  return { ...owner, avee }
}

/** Asks and waits for the answer; returns its id. */
export async function askAndWait(
  client: TestClient,
  conversation: string,
  question: string,
): Promise<string> {
  const events = await ask(client, conversation, question)
  const last = events.at(-1)?.data
  if (last?.['event'] !== 'complete')
    throw new Error(`Expected a complete answer, got ${JSON.stringify(last)}`)
  return String(last['message_id'])
}

/** Asks in a new conversation and waits until the jobs that follow the answer have ended. */
export async function askInNewConversation(app: TestApp, client: TestClient, avee: Avee, question: string) {
  const { id } = await createConversation(client, avee.handle)
  const messageId = await askAndWait(client, id, question)
  await app.app.jobs.idle()
  return { conversationId: id, messageId }
}

/** Returns the analysis of a turn and creates it if it is pending. */
export const analyzedTurn = (
  app: TestApp,
  messageId: string,
  layer: Avee['my_layer'] = 'intimate',
): Promise<TurnAnalysis> => app.app.insight.getTurn(messageId, { layer, title: null }, signal)

export const conversationInsight = async (client: TestClient, id: string): Promise<ConversationAnalysis> =>
  bodyOf(await client.get<ConversationAnalysis>(`/chat/${id}/intelligence`))
