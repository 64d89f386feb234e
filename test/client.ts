/** What came back: the body as JSON where it is JSON, as text otherwise. */
export type Answer<Body = unknown> = { status: number; headers: Headers; body: Body }

type Options = { headers?: Record<string, string>; signal?: AbortSignal }

/** A client of a running app, as one person or as nobody. */
export type Client = {
  readonly url: string
  readonly token: string | undefined
  get<Body = never>(path: string, options?: Options): Promise<Answer<Body>>
  post<Body = never>(path: string, body?: unknown, options?: Options): Promise<Answer<Body>>
  put<Body = never>(path: string, body?: unknown, options?: Options): Promise<Answer<Body>>
  patch<Body = never>(path: string, body?: unknown, options?: Options): Promise<Answer<Body>>
  delete<Body = never>(path: string, body?: unknown, options?: Options): Promise<Answer<Body>>
  /** The response itself, for streams, files and forms. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** The same app for somebody else. */
  as(token: string | undefined): Client
}

export function clientOf(url: string, token?: string): Client {
  const request = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (token) headers.set('authorization', `Bearer ${token}`)
    return fetch(`${url}${path}`, { ...init, headers })
  }
  const send =
    (method: string) =>
    async <Body>(path: string, body?: unknown, { headers, signal }: Options = {}): Promise<Answer<Body>> => {
      const response = await request(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(signal ? { signal } : {}),
      })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
      return {
        status: response.status,
        headers: response.headers,
        body: (isJson ? JSON.parse(text) : text) as Body,
      }
    }
  const get = send('GET')
  return {
    url,
    token,
    get: (path, options) => get(path, undefined, options),
    post: send('POST'),
    put: send('PUT'),
    patch: send('PATCH'),
    delete: send('DELETE'),
    fetch: request,
    as: (other) => clientOf(url, other),
  }
}
