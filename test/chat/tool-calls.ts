import type { ToolCall, ToolName } from '../../contract/tools.ts'
import { askStream, bodyOf, createAvee, createConversation, registerUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { type ReceivedEvent, readEvents } from '../events.ts'
import {
  defaultModels,
  type Script,
  type ScriptedOllama,
  startOllama,
  startOpenAi,
} from '../model-servers.ts'
import { startServer } from '../server-process.ts'
import { startSearxng, startShop } from './tool-servers.ts'

export type Call = NonNullable<Script['toolCalls']>[number]
export const calling = (...toolCalls: Call[]): Script => ({ tokens: [], toolCalls })
/** A model that supports structured output, but no tool calls. */
const plain = { name: 'plain:1b', capabilities: ['completion'] }
export const remember: Call = { name: 'remember', arguments: { text: 'The user breeds newts.' } }

export const callsOf = (events: ReceivedEvent[]) =>
  events.flatMap(({ data }) => (data['event'] === 'tool' ? [data as unknown as ToolCall] : []))
export const statesOf = (events: ReceivedEvent[]) =>
  callsOf(events).map(({ call_id, status }) => [call_id, status])
export const resultsOf = (events: ReceivedEvent[]) =>
  callsOf(events).flatMap(({ result }) => (result ? [result.text] : []))
export const memoriesOf = async (client: TestClient) =>
  bodyOf(await client.get<{ memories: { content: string }[] }>('/memories')).memories.map(
    ({ content }) => content,
  )

/** The messages of the latest request to the model. */
export const prompt = (ollama: ScriptedOllama) =>
  ollama.requestsTo('/api/chat').at(-1)?.body as {
    messages: { role: string; content: string; tool_name?: string }[]
    tools?: { function: { name: string; parameters: object } }[]
  }
export const resultsIn = (ollama: ScriptedOllama) =>
  prompt(ollama).messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : []))

/** Creates an avee with tools and a conversation with it. */
export async function start(app: TestClient, tools: ToolName[], documents: string[] = []) {
  const owner = await registerUser(app)
  const avee = await createAvee(owner.client, { tools })
  const files = documents.map((content, i) => ({ name: `document-${i}.md`, content }))
  if (files.length > 0) await uploadFiles(owner.client, files, { avee: avee.id, layer: 'friends' })
  const { id } = await createConversation(owner.client, avee.id)
  return { owner, client: owner.client, avee, id }
}

/** Asks, and approves or refuses the first call that needs approval. Returns all events. */
export async function askAndDecide(
  client: TestClient,
  conversation: string,
  decide: (runId: string, callId: string) => Promise<unknown>,
) {
  const response = await askStream(client, conversation, 'What do I breed?')
  const runId = response.headers.get('x-run-id') ?? ''
  const events: ReceivedEvent[] = []
  for await (const event of readEvents(response)) {
    events.push(event)
    if (event.data['status'] === 'needs_approval') await decide(runId, String(event.data['call_id']))
  }
  return { runId, events }
}

/** Starts a server with the services that its tools reach, and registers its administrator. */
export async function startToolApp() {
  const [ollama, openai, searxng, shop] = await Promise.all([
    startOllama({ models: [...defaultModels(), plain] }),
    startOpenAi(),
    startSearxng(),
    startShop(),
  ])
  const app = await startServer({
    OLLAMA_BASE_URL: ollama.url,
    OPENAI_BASE_URL: openai.url,
    OPENAI_API_KEY: 'secret',
    CHAT_MODEL: 'llama3.2:1b',
    SEARXNG_URL: searxng.url,
    TOOL_ALLOWED_HOSTS: '127.0.0.1',
  })
  return {
    app,
    admin: await registerUser(app),
    ollama,
    openai,
    shop,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await Promise.all([ollama, openai, searxng, shop].map((server) => server[Symbol.asyncDispose]()))
    },
  }
}
export type ToolApp = Awaited<ReturnType<typeof startToolApp>>
