import { z } from 'zod'
import type { Knowledge } from '../knowledge/index.ts'
import { searchFailed } from './errors.ts'
import { builtInTool, type ToolContext } from './tool.ts'

const maxPageCharacters = 12_000
const maxResults = 8
const maxResponseCharacters = 2_000_000
const maxSnippetCharacters = 400

const searchResponse = z.object({
  results: z.array(
    z
      .object({ title: z.string().catch(''), url: z.httpUrl(), content: z.string().catch('') })
      .or(z.null())
      .catch(null),
  ),
})

/** Removes the parts of an address that people often omit. */
const essence = (url: string) => url.replace(/^https?:\/\//i, '').replace(/\/$/, '')

/**
 * Whether the address is from the user's question or a web search. Any other address could leak words of documents or
 * memories to the author of a malicious document.
 */
const isKnown = (url: string, { question, foundUrls }: ToolContext) =>
  foundUrls.has(url) || question.includes(essence(url))

export const fetchPageTool = (knowledge: Pick<Knowledge, 'webPage'>) =>
  builtInTool({
    scope: 'external',
    title: 'Open a web page',
    description: 'Fetches a web page and returns its text.',
    input: z.object({ url: z.httpUrl().max(2_000) }),
    needsApproval: ({ url }, context) => !isKnown(url, context),
    async run({ url }, { viewerId, signal }) {
      const page = await knowledge.webPage(url, { userId: viewerId, signal })
      const text = page.text.slice(0, maxPageCharacters)
      return {
        text: `${page.url}\n${page.title ?? ''}\n\n${text}`,
        summary: `${text.length.toLocaleString('en')} characters read from ${new URL(page.url).host}.`,
      }
    },
  })

export const searchWebTool = (searxngUrl: string) =>
  builtInTool({
    scope: 'external',
    title: 'Search the web',
    description: 'Searches the web and returns titles, addresses and short extracts.',
    input: z.object({ query: z.string().trim().min(1).max(300) }),
    async run({ query }, { foundUrls, signal }) {
      const address = `${searxngUrl}/search?${new URLSearchParams({ q: query, format: 'json' }).toString()}`
      const response = await fetch(address, { signal, redirect: 'error' }).catch((error: unknown) => {
        signal.throwIfAborted()
        throw searchFailed('it could not be reached', error)
      })
      if (!response.ok) throw searchFailed(`it answered with status ${response.status}`)
      const parsed = searchResponse.safeParse(await readJson(response))
      if (!parsed.success) throw searchFailed('it did not answer with results as JSON', parsed.error)
      const results = parsed.data.results.filter((result) => result !== null).slice(0, maxResults)
      for (const { url } of results) foundUrls.add(url)
      const summary = `${results.length} ${results.length === 1 ? 'result' : 'results'} found on the web.`
      const lines = results.map(
        ({ title, url, content }) => `${title}\n${url}\n${content.slice(0, maxSnippetCharacters)}`,
      )
      return { text: [summary, ...lines].join('\n\n'), summary }
    },
  })

/** Returns the parsed body; undefined if it is too long or not JSON. */
async function readJson(response: Response): Promise<unknown> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxResponseCharacters) return undefined
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
