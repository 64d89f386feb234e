import { randomInt } from 'node:crypto'

/** A word that appears nowhere else, where it was stored, and the callers that may read it. */
type Canary = { word: string; place: string; readers: readonly string[] }

/** A stem or a truncated title still contains this many characters of a canary. */
const significantCharacters = 9
const concurrency = 8

const pick = (letters: string) => letters[randomInt(letters.length)] ?? ''
export const newWord = () => Array.from({ length: 6 }, () => pick('bdfgklmnprtvz') + pick('aeiou')).join('')

/** Calls `work` for each item, with a few calls at a time. */
export async function forEach<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

export type LeakRequests = ReturnType<typeof leakRequests>

/** Sends the requests of the leak test to the server at `url`, and counts what they find. */
export function leakRequests(url: string) {
  const canaries: Canary[] = []
  const found = new Set<string>()
  /** One line for each canary that reached somebody who may not read it. */
  const leaks = new Set<string>()
  /** The tokens of the callers. */
  const tokens: Record<string, string | undefined> = { anonymous: undefined }
  /** Method and path of each probed route. */
  const routes = new Set<string>()
  const counts = { requests: 0, probes: 0 }

  async function send(caller: string, method: string, path: string, body?: object) {
    counts.requests += 1
    const token = tokens[caller]
    const header = caller === 'visitor' ? { 'x-visitor': token ?? '' } : { authorization: `Bearer ${token}` }
    const isJson = body !== undefined && !(body instanceof FormData)
    const response = await fetch(url + path, {
      method,
      headers: {
        accept: 'application/json, text/event-stream, */*',
        ...(token ? header : {}),
        ...(isJson ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  /** Sends a request, looks for the canaries that the caller may not read, and returns the status. */
  async function probe(caller: string, method: string, path: string, body?: object): Promise<number> {
    const { status, headers, text } = await send(caller, method, path, body)
    const everything = `${text}${JSON.stringify([...headers])}`.toLowerCase()
    for (const { word, place, readers } of canaries) {
      const isFound = everything.includes(word.slice(0, significantCharacters))
      // A shared conversation shows everybody what visitors without an account may see of its citations.
      if (readers.includes(path.startsWith('/shares/') ? 'visitor' : caller)) {
        if (isFound) found.add(word)
        continue
      }
      counts.probes += 1
      if (isFound) leaks.add(`${caller} reads the ${place} at ${method} ${path} (status ${status})`)
    }
    return status
  }

  /** Probes a route that searches or asks. */
  async function post(caller: string, path: string, body: object): Promise<void> {
    routes.add(`POST ${path.replaceAll(/[\da-f-]{36}/g, ':id')}`)
    const status = await probe(caller, 'POST', path, body)
    if (status < 300 && caller.endsWith('scope read') && !/search|test|show|mcp/.test(path))
      leaks.add(`${caller} may ask at POST ${path}`)
  }

  return {
    canaries,
    leaks,
    routes,
    tokens,
    counts,
    send,
    /** Returns a new canary. */
    canary(place: string, readers: readonly string[]): string {
      const word = newWord()
      canaries.push({ word, place, readers })
      return word
    },
    /** Returns the canaries that a caller may not read. */
    hiddenFrom: (caller: string) => canaries.filter(({ readers }) => !readers.includes(caller)),
    /** Returns the canaries that none of their readers have found. */
    missed: () => canaries.filter(({ word, readers }) => !found.has(word) && readers.length > 0),
    /** Sends a request of the preparation. @throws Error if it fails */
    async prepare<Body>(caller: string, method: string, path: string, body?: object): Promise<Body> {
      const { status, text, headers } = await send(caller, method, path, body)
      if (status >= 300) throw new Error(`${method} ${path} as ${caller} returned ${status}: ${text}`)
      return (headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as Body
    },
    probe,
    post,
    callTool: (caller: string, name: string, args: object) =>
      post(caller, '/mcp', {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: args },
      }),
  }
}
