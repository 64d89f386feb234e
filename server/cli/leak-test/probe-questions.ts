import type { LeakRequests } from './requests.ts'
import { question, type StoredCanaries } from './store-canaries.ts'

/** Asks and searches on every route and in every protocol, as every caller. */
export async function probeQuestions(
  { tokens, probe, post, callTool }: LeakRequests,
  { open, closed, other, asked }: StoredCanaries,
): Promise<void> {
  for (const caller of Object.keys(tokens)) {
    for (const { conversation, message } of asked) {
      for (const path of ['/chat/ask', '/chat/ask-v2', '/chat/stream'])
        await post(caller, path, { conversation_id: conversation, question })
      await post(caller, `/conversations/${conversation}/messages/${message}/regenerate`, {})
    }
    const asks: [path: string, body: object][] = [
      ['/v1/chat/completions', { messages: [{ role: 'user', content: question }] }],
      ['/v1/responses', { input: question }],
      ['/ollama/api/chat', { messages: [{ role: 'user', content: question }] }],
      ['/ollama/api/generate', { prompt: question }],
    ]
    for (const [path, body] of asks)
      for (const model of ['avee/open-avee', 'avee/closed-avee']) await post(caller, path, { model, ...body })
    for (const model of ['avee/open-avee', 'avee/closed-avee', 'avee/local'])
      await probe(caller, 'POST', '/ollama/api/show', { model })
    await post(caller, '/api/chat', { message: question })
    for (const avee of [open, closed, other, 'local'])
      await post(caller, '/search', { avee, scope: 'all', query: question, limit: 50 })
    await post(caller, '/search', { query: question, limit: 50 })
    await callTool(caller, 'search_documents', { query: question, limit: 50 })
    for (const avee of [open, closed]) {
      await callTool(caller, 'ask_avee', { avee, question })
      await callTool(caller, 'recall', { avee, query: 'keeper' })
    }
    await post(caller, '/api/documents/test', { query: question })
    await post(caller, '/api/documents/search-text', { search_text: 'keeper' })
  }
}
