import type { Avee } from '../../contract/avees.ts'
import type { ConversationAnalysis, TurnAnalysis } from '../../contract/insight.ts'
import type { TestApp } from '../app.ts'
import { ask, createAvee, createConversation, registerUser, type TestUser, uploadFiles } from '../builders.ts'
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

/** An owner with an avee that knows a document. */
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

/** Asks and waits for the answer; gives its id. */
export async function askAndWait(
  client: TestClient,
  conversation: string,
  question: string,
): Promise<string> {
  const events = await ask(client, conversation, question)
  const last = events.at(-1)?.data
  if (last?.['event'] !== 'complete') throw new Error(`No answer but ${JSON.stringify(last)}`)
  return String(last['message_id'])
}

/** Opens a conversation, asks and waits until everything about it is worked out. */
export async function askInNewConversation(app: TestApp, client: TestClient, avee: Avee, question: string) {
  const { id } = await createConversation(client, avee.handle)
  const messageId = await askAndWait(client, id, question)
  await app.app.insight.idle()
  return { conversationId: id, messageId }
}

/** What is known of a turn, which must be something. */
export async function analyzedTurn(
  app: TestApp,
  messageId: string,
  layer: Avee['my_layer'] = 'intimate',
): Promise<TurnAnalysis> {
  const found = await app.app.insight.analyzeNow(messageId, layer, signal)
  if (!found) throw new Error('The turn was not noted.')
  return found
}

export async function conversationInsight(
  app: TestApp,
  id: string,
  layer: Avee['my_layer'] = 'intimate',
): Promise<ConversationAnalysis> {
  const found = await app.app.insight.ofConversation(id, layer)
  if (!found) throw new Error('There is no such conversation.')
  return found
}
