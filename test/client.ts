/** A response with its body parsed as JSON, or as text for any other content type. */
export type TestResponse<Body = unknown> = { status: number; headers: Headers; body: Body }

type Options = { headers?: Record<string, string>; signal?: AbortSignal }

/** A client of a running app, signed in as one user or anonymous. */
export type TestClient = {
  readonly url: string
  readonly token: string | undefined
  get<Body = never>(path: string, options?: Options): Promise<TestResponse<Body>>
  post<Body = never>(path: string, body?: unknown, options?: Options): Promise<TestResponse<Body>>
  put<Body = never>(path: string, body?: unknown, options?: Options): Promise<TestResponse<Body>>
  patch<Body = never>(path: string, body?: unknown, options?: Options): Promise<TestResponse<Body>>
  delete<Body = never>(path: string, body?: unknown, options?: Options): Promise<TestResponse<Body>>
  /** Returns the raw response, for streams, files and forms. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Returns a client of the same app with another token. */
  as(token: string | undefined): TestClient
}

export function createTestClient(url: string, token?: string): TestClient {
  const request = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (token) headers.set('authorization', `Bearer ${token}`)
    return fetch(`${url}${path}`, { ...init, headers })
  }
  const send =
    (method: string) =>
    async <Body>(
      path: string,
      body?: unknown,
      { headers, signal }: Options = {},
    ): Promise<TestResponse<Body>> => {
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
    as: (newToken) => createTestClient(url, newToken),
  }
}
