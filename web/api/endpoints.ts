import type { z } from 'zod'
import type * as accounts from '../../contract/accounts.ts'
import type * as avees from '../../contract/avees.ts'
import type * as chat from '../../contract/chat.ts'
import type * as common from '../../contract/common.ts'
import type * as insight from '../../contract/insight.ts'
import type * as knowledge from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import type * as localchat from '../../contract/localchat.ts'
import type * as memory from '../../contract/memory.ts'
import type * as models from '../../contract/models.ts'
import type * as runs from '../../contract/runs.ts'
import { type Client, type ClientOptions, createClient } from './client.ts'

type Ok = z.infer<typeof common.ok>
type Paged = { query?: string; limit?: number; cursor?: string; signal?: AbortSignal }
type Cancel = { signal?: AbortSignal }

export type Me = z.infer<typeof accounts.me>
export type ApiKey = z.infer<typeof accounts.apiKey>
export type Grant = z.infer<typeof avees.grant>
export type NewAvee = z.input<typeof avees.newAveeBody>
export type AveeChanges = z.input<typeof avees.patchAveeBody>
export type MessageList = z.infer<typeof chat.messageList>
export type Status = z.infer<typeof localchat.statusAnswer>

/** Every request that the page makes, in the words of the contract. */
export function createApi(options: ClientOptions = {}) {
  const client = createClient(options)
  return {
    client,
    accounts: accountRequests(client),
    avees: aveeRequests(client),
    conversations: conversationRequests(client),
    documents: documentRequests(client),
    insight: insightRequests(client),
    memories: memoryRequests(client),
    models: modelRequests(client),
    runs: runRequests(client),
  }
}
export type Api = ReturnType<typeof createApi>

const at = (id: string): string => encodeURIComponent(id)

const paged = ({ signal, ...query }: Paged & Record<string, unknown> = {}) => ({
  query: query as Record<string, string | number | boolean | undefined>,
  ...(signal ? { signal } : {}),
})

const accountRequests = (client: Client) => ({
  state: () => client.request<z.infer<typeof accounts.authState>>('GET', '/auth/state'),
  me: () => client.request<Me>('GET', '/me'),
  register: (body: z.input<typeof accounts.registerBody>) =>
    client.request<accounts.Session>('POST', '/auth/register', { body }),
  login: (body: z.input<typeof accounts.loginBody>) =>
    client.request<accounts.Session>('POST', '/auth/login', { body }),
  logout: () => client.request<Ok>('POST', '/auth/logout'),
  change: (body: z.input<typeof accounts.patchMeBody>) => client.request<Me>('PATCH', '/me', { body }),
  setPassword: (body: z.input<typeof accounts.changePasswordBody>) =>
    client.request<Ok>('POST', '/auth/password', { body }),
  remove: (body: { password?: string }) => client.request<Ok>('DELETE', '/me', { body }),
  keys: () => client.request<z.infer<typeof accounts.apiKeyList>>('GET', '/api-keys'),
  newKey: (body: z.input<typeof accounts.newApiKeyBody>) =>
    client.request<z.infer<typeof accounts.newApiKey>>('POST', '/api-keys', { body }),
  removeKey: (id: string) => client.request<Ok>('DELETE', `/api-keys/${at(id)}`),
})

const aveeRequests = (client: Client) => ({
  discover: (page: Paged) => client.request<z.infer<typeof avees.aveePage>>('GET', '/avees', paged(page)),
  mine: () => client.request<z.infer<typeof avees.aveeList>>('GET', '/me/avees'),
  get: (handleOrId: string) => client.request<avees.Avee>('GET', `/avees/${at(handleOrId)}`),
  make: (body: NewAvee) => client.request<avees.Avee>('POST', '/avees', { body }),
  change: (id: string, body: AveeChanges) =>
    client.request<avees.Avee>('PATCH', `/avees/${at(id)}`, { body }),
  remove: (id: string) => client.request<Ok>('DELETE', `/avees/${at(id)}`),
  follow: (id: string) => client.request<Ok>('PUT', `/avees/${at(id)}/follow`),
  unfollow: (id: string) => client.request<Ok>('DELETE', `/avees/${at(id)}/follow`),
  grants: (id: string) =>
    client.request<z.infer<typeof avees.grantList>>('GET', `/avees/${at(id)}/permissions`),
  grant: (id: string, userId: string, max_layer: Layer) =>
    client.request<unknown>('PUT', `/avees/${at(id)}/permissions/${at(userId)}`, { body: { max_layer } }),
  revoke: (id: string, userId: string) =>
    client.request<Ok>('DELETE', `/avees/${at(id)}/permissions/${at(userId)}`),
})

const conversationRequests = (client: Client) => ({
  list: (page: Paged & { avee?: string; archived?: boolean }) =>
    client.request<z.infer<typeof chat.conversationPage>>('GET', '/conversations', paged(page)),
  get: (id: string) => client.request<chat.Conversation>('GET', `/conversations/${at(id)}`),
  make: (avee: string) => client.request<chat.Conversation>('POST', '/conversations', { body: { avee } }),
  change: (id: string, body: z.input<typeof chat.patchConversationBody>) =>
    client.request<chat.Conversation>('PATCH', `/conversations/${at(id)}`, { body }),
  remove: (id: string) => client.request<Ok>('DELETE', `/conversations/${at(id)}`),
  messages: (id: string, page: { limit?: number; before?: string } & Cancel) =>
    client.request<MessageList>('GET', `/conversations/${at(id)}/messages`, paged(page)),
  setLeaf: (id: string, message_id: string) =>
    client.request<unknown>('PUT', `/conversations/${at(id)}/leaf`, { body: { message_id } }),
  exportUrl: (id: string, format: 'markdown' | 'json') =>
    client.url(`/conversations/${at(id)}/export`, { format }),
  /** Asks a question; the answer is the stream of a new run. */
  ask: (body: { conversation_id: string; question: string; model?: string }, idempotencyKey: string) =>
    client.open('POST', '/chat/stream', { body, idempotencyKey }),
  edit: (id: string, messageId: string, content: string, idempotencyKey: string) =>
    client.open('POST', `/conversations/${at(id)}/messages/${at(messageId)}/edit`, {
      body: { content },
      idempotencyKey,
    }),
  regenerate: (id: string, messageId: string, model: string | undefined, idempotencyKey: string) =>
    client.open('POST', `/conversations/${at(id)}/messages/${at(messageId)}/regenerate`, {
      body: model ? { model } : {},
      idempotencyKey,
    }),
})

const documentRequests = (client: Client) => ({
  list: (aveeId: string, page: Paged) =>
    client.request<z.infer<typeof knowledge.documentPage>>(
      'GET',
      `/avees/${at(aveeId)}/documents`,
      paged(page),
    ),
  get: (id: string) => client.request<knowledge.Document>('GET', `/documents/${at(id)}`),
  text: (id: string) =>
    client.request<z.infer<typeof knowledge.documentText>>('GET', `/documents/${at(id)}/text`),
  passage: (id: string, n: number) =>
    client.request<knowledge.Passage>('GET', `/documents/${at(id)}/passages/${n}`),
  fileUrl: (id: string, page?: number | null) =>
    `${client.url(`/documents/${at(id)}/file`)}${page ? `#page=${page}` : ''}`,
  change: (id: string, body: z.input<typeof knowledge.patchDocumentBody>) =>
    client.request<knowledge.Document>('PATCH', `/documents/${at(id)}`, { body }),
  remove: (id: string) => client.request<Ok>('DELETE', `/documents/${at(id)}`),
  uploadUrl: (aveeId: string) => client.url(`/avees/${at(aveeId)}/documents`),
  addText: (aveeId: string, body: z.input<typeof knowledge.newTextBody>, idempotencyKey: string) =>
    client.request<knowledge.Document>('POST', `/avees/${at(aveeId)}/documents`, { body, idempotencyKey }),
  addUrl: (aveeId: string, body: z.input<typeof knowledge.newUrlBody>, idempotencyKey: string) =>
    client.request<knowledge.Document>('POST', `/avees/${at(aveeId)}/documents/from-url`, {
      body,
      idempotencyKey,
    }),
  /** Adds the pages of a website; the answer is the stream of a new run. */
  addSite: (aveeId: string, body: z.input<typeof knowledge.newSiteBody>, idempotencyKey: string) =>
    client.open('POST', `/avees/${at(aveeId)}/documents/from-site`, { body, idempotencyKey }),
  folders: (aveeId: string) =>
    client.request<z.infer<typeof knowledge.folderList>>('GET', `/avees/${at(aveeId)}/folders`),
  followFolder: (aveeId: string, body: z.input<typeof knowledge.newFolderBody>) =>
    client.request<knowledge.Folder>('POST', `/avees/${at(aveeId)}/folders`, { body }),
  leaveFolder: (aveeId: string, id: string, documents: 'keep' | 'remove') =>
    client.request<Ok>('DELETE', `/avees/${at(aveeId)}/folders/${at(id)}`, { query: { documents } }),
  search: (body: z.input<typeof knowledge.searchBody>) =>
    client.request<z.infer<typeof knowledge.searchAnswer>>('POST', '/search', { body }),
  stats: () => client.request<z.infer<typeof localchat.documentStats>>('GET', '/api/documents/stats'),
})

const insightRequests = (client: Client) => ({
  conversation: (id: string) => client.request<insight.Intelligence>('GET', `/chat/${at(id)}/intelligence`),
  answer: (messageId: string) =>
    client.request<insight.TurnIntelligence>('GET', `/messages/${at(messageId)}/intelligence`),
  votes: (conversationId: string) =>
    client.request<z.infer<typeof insight.feedbackList>>(
      'GET',
      `/conversations/${at(conversationId)}/feedback`,
    ),
  vote: (messageId: string, vote: insight.Vote | null, note?: string) =>
    client.request<unknown>('PUT', `/messages/${at(messageId)}/feedback`, { body: { vote, note } }),
  passOn: (messageId: string, note: string) =>
    client.request<unknown>('POST', `/messages/${at(messageId)}/pass-on`, { body: { note } }),
  mySharing: (aveeId: string) =>
    client.request<z.infer<typeof insight.mySharing>>('GET', `/avees/${at(aveeId)}/sharing`),
  share: (aveeId: string, share: boolean) =>
    client.request<Ok>('PUT', `/avees/${at(aveeId)}/sharing`, { body: { share } }),
  dashboard: (aveeId: string, days: number) =>
    client.request<insight.AveeInsight>('GET', `/avees/${at(aveeId)}/insight`, { query: { days } }),
  settings: (aveeId: string) =>
    client.request<insight.AveeSharing>('GET', `/avees/${at(aveeId)}/insight/settings`),
  changeSettings: (aveeId: string, body: Partial<insight.AveeSharing>) =>
    client.request<insight.AveeSharing>('PATCH', `/avees/${at(aveeId)}/insight/settings`, { body }),
  questions: (aveeId: string, state: insight.QuestionState) =>
    client.request<z.infer<typeof insight.questionList>>('GET', `/avees/${at(aveeId)}/questions`, {
      query: { state },
    }),
  answerQuestion: (aveeId: string, id: string, body: z.input<typeof insight.answerQuestionBody>) =>
    client.request<z.infer<typeof insight.answeredQuestion>>(
      'POST',
      `/avees/${at(aveeId)}/questions/${at(id)}/answer`,
      { body },
    ),
  dismissQuestion: (aveeId: string, id: string) =>
    client.request<Ok>('POST', `/avees/${at(aveeId)}/questions/${at(id)}/dismiss`),
  updates: (aveeId: string) =>
    client.request<z.infer<typeof insight.updateList>>('GET', `/avees/${at(aveeId)}/updates`),
  postUpdate: (aveeId: string, body: z.input<typeof insight.newUpdateBody>) =>
    client.request<insight.AveeUpdate>('POST', `/avees/${at(aveeId)}/updates`, { body }),
  changeUpdate: (aveeId: string, id: string, body: z.input<typeof insight.patchUpdateBody>) =>
    client.request<insight.AveeUpdate>('PATCH', `/avees/${at(aveeId)}/updates/${at(id)}`, { body }),
  removeUpdate: (aveeId: string, id: string) =>
    client.request<Ok>('DELETE', `/avees/${at(aveeId)}/updates/${at(id)}`),
})

const memoryRequests = (client: Client) => ({
  list: (page: Paged & { avee?: string; include_past?: boolean }) =>
    client.request<z.infer<typeof memory.memoryPage>>('GET', '/memories', paged(page)),
  add: (body: z.input<typeof memory.newMemoryBody>) =>
    client.request<memory.Memory>('POST', '/memories', { body }),
  change: (id: string, body: z.input<typeof memory.patchMemoryBody>) =>
    client.request<memory.Memory>('PATCH', `/memories/${at(id)}`, { body }),
  forget: (id: string) => client.request<z.infer<typeof memory.forgotten>>('DELETE', `/memories/${at(id)}`),
  restore: (id: string) => client.request<memory.Memory>('POST', `/memories/${at(id)}/restore`),
  forgetAll: (avee: string) =>
    client.request<z.infer<typeof memory.forgotten>>('DELETE', '/memories', { query: { avee } }),
  settings: () => client.request<memory.MemorySettings>('GET', '/memories/settings'),
  setSettings: (body: z.input<typeof memory.putMemorySettingsBody>) =>
    client.request<memory.MemorySettings>('PUT', '/memories/settings', { body }),
  exportUrl: (avee?: string) => client.url('/memories/export', avee ? { avee } : {}),
})

const modelRequests = (client: Client) => ({
  status: () => client.request<Status>('GET', '/api/status'),
  list: () => client.request<z.infer<typeof models.modelList>>('GET', '/api/models'),
  active: () => client.request<z.infer<typeof models.activeModel>>('GET', '/api/models/active'),
  activate: (model: string) =>
    client.request<z.infer<typeof models.activeModel>>('POST', '/api/models/active', { body: { model } }),
  test: (model: string) =>
    client.request<z.infer<typeof localchat.testModelAnswer>>('POST', '/api/models/test', {
      body: { model },
    }),
  unload: (model: string) => client.request<unknown>('POST', '/api/models/unload', { body: { model } }),
  remove: (model: string) => client.request<unknown>('DELETE', '/api/models/delete', { body: { model } }),
  pull: (model: string) => client.open('POST', '/api/models/pull', { body: { model } }),
})

const runRequests = (client: Client) => ({
  running: () =>
    client.request<z.infer<typeof runs.runList>>('GET', '/runs', { query: { status: 'running' } }),
  get: (id: string) => client.request<runs.Run>('GET', `/runs/${at(id)}`),
  stop: (id: string) => client.request<runs.Run>('DELETE', `/runs/${at(id)}`),
})
