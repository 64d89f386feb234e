import type { Session } from '../contract/accounts.ts'
import type { Avee } from '../contract/avees.ts'
import type { Conversation } from '../contract/conversations.ts'
import type { IngestResult } from '../contract/knowledge.ts'
import type { Layer } from '../contract/layers.ts'
import type { Message } from '../contract/messages.ts'
import { newId } from '../server/db/index.ts'
import type { TestApp } from './app.ts'
import type { TestClient, TestResponse } from './client.ts'
import { collectEvents, type ReceivedEvent } from './events.ts'

export type TestUser = { client: TestClient; session: Session; password: string }

let counted = 0
/** Returns a name that no other test of this process uses. */
const uniqueName = (word: string) => `${word}-${process.pid.toString(36)}-${(counted += 1)}`

/** Returns the body of a successful response; throws for any other. */
export function bodyOf<Body>({ status, body }: TestResponse<Body>): Body {
  if (status >= 200 && status < 300) return body
  throw new Error(`Status ${status}: ${JSON.stringify(body)}`)
}

/** Registers a user; omitted fields get unique values. */
export async function registerUser(
  app: TestClient,
  {
    email = `${uniqueName('user')}@example.org`,
    password = 'a good long password',
    ...more
  }: Partial<Registration> = {},
): Promise<TestUser> {
  const session = bodyOf(await app.post<Session>('/auth/register', { email, password, ...more }))
  return { client: app.as(session.token), session, password }
}
type Registration = { email: string; password: string; handle: string; display_name: string }

/** Creates an avee owned by the caller. */
export async function createAvee(
  client: TestClient,
  { handle = uniqueName('avee'), display_name = 'Ada', ...more }: Record<string, unknown> = {},
): Promise<Avee> {
  return bodyOf(await client.post<Avee>('/avees', { handle, display_name, ...more }))
}

/** A file to upload. */
export type UploadFile = { name: string; content: string | Uint8Array<ArrayBuffer>; type?: string }

/** Uploads into the caller's library, an avee's documents at a layer, or a conversation. Returns one result per file. */
export async function uploadFiles(
  client: TestClient,
  files: UploadFile[],
  to?: { avee: string; layer: Layer } | { conversation: string },
): Promise<IngestResult[]> {
  const form = new FormData()
  if (to && 'avee' in to) form.append('layer', to.layer)
  for (const { name, content, type } of files)
    form.append('files', new File([content], name, type ? { type } : {}))
  if (to && 'conversation' in to) form.append('conversation_id', to.conversation)
  const path =
    to === undefined ? '/api/documents/upload' : 'avee' in to ? `/avees/${to.avee}/documents` : '/attachments'
  const events = await collectEvents(await client.fetch(path, { method: 'POST', body: form }))
  return events.flatMap(({ data }) => (data['result'] ? [data['result'] as IngestResult] : []))
}

/** Creates a conversation with an avee, named by handle or id. */
export async function createConversation(client: TestClient, avee: string): Promise<Conversation> {
  return bodyOf(await client.post<Conversation>('/conversations', { avee }))
}

/** Asks a question and returns the streaming response. */
export function askStream(
  client: TestClient,
  conversation: string,
  question: string,
  { headers, signal, model }: { headers?: Record<string, string>; signal?: AbortSignal; model?: string } = {},
) {
  return client.fetch('/chat/stream', {
    ...(signal ? { signal } : {}),
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ conversation_id: conversation, question, ...(model && { model }) }),
  })
}

/** Asks a question and waits for all events of the answer. */
export async function ask(
  client: TestClient,
  conversation: string,
  question: string,
  options?: Parameters<typeof askStream>[3],
): Promise<ReceivedEvent[]> {
  return await collectEvents(await askStream(client, conversation, question, options))
}

/** Returns the messages of the active branch of a conversation. */
export async function listMessages(client: TestClient, conversation: string): Promise<Message[]> {
  const { messages } = bodyOf(
    await client.get<{ messages: Message[] }>(`/conversations/${conversation}/messages`),
  )
  return messages
}

/** Stores turns in a conversation, faster than asking. Each is a question and its answer. */
export async function storeTurns(
  { app }: TestApp,
  conversationId: string,
  turns: { question: string; answer: string }[],
): Promise<void> {
  const { db } = app.database
  let parentId: string | null = null
  const rows = turns.flatMap(({ question, answer }) =>
    [question, answer].map((content, i) => {
      const id = newId()
      const row = {
        id,
        conversation_id: conversationId,
        parent_id: parentId,
        role: i === 0 ? ('user' as const) : ('assistant' as const),
        content,
        status: 'complete' as const,
        layer_used: 'intimate' as const,
        model: i === 0 ? null : 'llama3.2:1b',
      }
      parentId = id
      return row
    }),
  )
  for (let i = 0; i < rows.length; i += 500)
    await db
      .insertInto('messages')
      .values(rows.slice(i, i + 500))
      .execute()
  await db.updateTable('conversations').set({ leaf_id: parentId }).where('id', '=', conversationId).execute()
}
