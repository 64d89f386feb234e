import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { z } from 'zod'
import { isLoopbackHost } from './http/loopback.ts'

/** A value that never shows: printing, logging or serialising it gives a placeholder. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[secret]'
  }
  toJSON(): string {
    return '[secret]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/** What is wrong with the settings: one sentence per mistake, all at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: string[]
  constructor(mistakes: string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

const integer = (least: number, most: number) =>
  z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `must be a whole number from ${least} to ${most}`,
    })
    .transform(Number)

const address = (...protocols: string[]) =>
  z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol.slice(0, -1) ?? ''), {
    error: `must be an address that starts with ${protocols.map((name) => `${name}://`).join(' or ')}`,
  })

const httpAddress = address('http', 'https').transform((text) => text.replace(/\/+$/, ''))

/** The origin of an http address that has nothing behind it, or null. */
function originOf(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) return null
  return url.pathname === '/' ? url.origin : null
}

const origin = z
  .string()
  .refine((text) => originOf(text) !== null, {
    error: 'must be an origin like https://gabee.example, with nothing after the host and port',
  })
  .transform((text) => originOf(text) as string)

const commaList = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)

const originList = z
  .string()
  .refine((text) => commaList(text).every((part) => originOf(part) !== null), {
    error: 'must be a comma list of origins like http://localhost:3000, each without a path',
  })
  .transform((text) => commaList(text).map((part) => originOf(part) as string))

const oneOf = <const Word extends string>(...words: [Word, ...Word[]]) =>
  z.enum(words, { error: `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` })

const proxyNetworks = ['loopback', 'linklocal', 'uniquelocal']

const isNetwork = (part: string) => {
  const [address = '', bits, more] = part.split('/')
  const longest = isIP(address) === 6 ? 128 : 32
  return (
    more === undefined &&
    isIP(address) !== 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  )
}

const trustProxy = z
  .string()
  .refine(
    (text) =>
      /^(true|false)$/i.test(text) ||
      commaList(text).every((part) => proxyNetworks.includes(part) || isNetwork(part)),
    { error: 'must be true, false, or a comma list of addresses and networks such as 10.0.0.0/8' },
  )
  .transform((text) => {
    if (/^false$/i.test(text)) return []
    return /^true$/i.test(text) ? proxyNetworks : commaList(text)
  })

/**
 * Reads OLLAMA_HOST in the forms Ollama itself takes: "host", "host:port", ":port", "[::1]:port", with or without
 * http(s):// in front. An address that only a server can listen on becomes this machine's.
 */
function ollamaHostAddress(text: string): string | null {
  const bare = !text.includes('://')
  // A bare IPv6 address needs its brackets before it can stand in a URL.
  const host = bare && (text.match(/:/g)?.length ?? 0) > 1 && !text.startsWith('[') ? `[${text}]` : text
  const url = URL.parse(bare ? `http://${host.startsWith(':') ? `127.0.0.1${host}` : host}` : host)
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname) return null
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1'
  // URL drops a protocol's usual port, so ":80" written out is looked for in the text.
  const port = url.port || (bare && !/:\d+\/?$/.test(host) ? '11434' : '')
  return `${url.protocol}//${url.hostname}${port ? `:${port}` : ''}${url.pathname.replace(/\/+$/, '')}`
}

const ollamaHost = z
  .string()
  .refine((text) => ollamaHostAddress(text) !== null, { error: 'must be a host such as 127.0.0.1:11434' })
  .transform((text) => ollamaHostAddress(text) as string)

const text = z.string()

/** Every setting: its form, its default and what it is for. The table in docs/configuration.md is made from this. */
export const settings = z.object({
  PORT: integer(0, 65_535)
    .prefault('8000')
    .describe('The port that serves the page and the API; 0 takes any free one.'),
  HOST: text
    .prefault('127.0.0.1')
    .describe(
      'The address to listen on. On a loopback address, and until a password is set, this machine needs no login; on any other, everybody signs in.',
    ),
  PUBLIC_URL: origin
    .optional()
    .describe(
      'Where people reach the server when that is not `HOST` and `PORT`: the address of the proxy in front, for example `https://gabee.example`.',
    ),
  ALLOWED_ORIGINS: originList
    .prefault('http://localhost:3000,http://127.0.0.1:3000,http://localhost:3001,http://127.0.0.1:3001')
    .describe('Comma list of other web origins whose pages may call the API with a token.'),
  TRUST_PROXY: trustProxy
    .prefault('false')
    .describe(
      'Whose `X-Forwarded-For`, `-Host` and `-Proto` are believed: a comma list of the addresses or networks of the proxies in front; `true` for those on this machine and in private networks.',
    ),
  DATA_DIR: text.prefault('./data').describe('Where the embedded database and the files of documents live.'),
  DATABASE_URL: address('postgres', 'postgresql')
    .optional()
    .describe(
      'A PostgreSQL server with pgvector, for example `postgres://gabee:password@localhost/gabee`. Without it the embedded database serves.',
    ),
  REDIS_URL: address('redis', 'rediss')
    .optional()
    .describe('A Redis server for the cache of embeddings. Without it the cache is in memory.'),
  REGISTRATION: oneOf('open', 'closed')
    .prefault('open')
    .describe(
      'Whether strangers may make accounts. The first account, which becomes the administrator, can always be made.',
    ),
  SESSION_DAYS: integer(1, 3650).prefault('30').describe('Days until a session expires.'),
  LIMIT_SIGN_INS_PER_QUARTER_HOUR: integer(0, 1_000_000)
    .prefault('10')
    .describe(
      'Wrong passwords per quarter of an hour that one client may enter for one account; three times as many for all accounts from one address, and ten times as many for one account from all addresses. Beyond that, one attempt every 30 seconds remains. 0 sets no limit.',
    ),
  OLLAMA_BASE_URL: httpAddress
    .optional()
    .describe(
      'Where Ollama answers. Before the default `http://127.0.0.1:11434`, `OLLAMA_HOST` is looked at.',
    ),
  OLLAMA_HOST: ollamaHost
    .optional()
    .describe(
      'Ollama’s own setting, in its own forms (`host`, `host:port`, a URL); used when `OLLAMA_BASE_URL` is not set.',
    ),
  OPENAI_API_KEY: text.optional().describe('The key of an OpenAI-compatible service.'),
  OPENAI_BASE_URL: httpAddress
    .optional()
    .describe(
      'The address of an OpenAI-compatible service, up to and including its `/v1`; `https://api.openai.com/v1` when only the key is set.',
    ),
  CHAT_MODEL: text
    .optional()
    .describe(
      'The model that answers. Without it, one that is there is chosen; the page says which and why.',
    ),
  CHAT_MODEL_STRONG: text
    .optional()
    .describe('The model for questions that ask for the stronger one (`use_gpt4o=true`).'),
  EMBED_MODEL: text.optional().describe('The model that turns texts into vectors for search by meaning.'),
  RERANK_BASE_URL: httpAddress
    .optional()
    .describe(
      'Where a cross-encoder answers `POST /rerank` (llama.cpp, vLLM, Jina, Cohere), for example `http://127.0.0.1:8081/v1`. It gets each question with the passages found for it, and puts the best in order.',
    ),
  RERANK_MODEL: text
    .optional()
    .describe('The cross-encoder’s name at `RERANK_BASE_URL`; `default` when the service has only one.'),
  RERANK_API_KEY: text.optional().describe('The key of the service at `RERANK_BASE_URL`, if it wants one.'),
  MODEL_CONTEXT_TOKENS: integer(512, 10_000_000)
    .optional()
    .describe(
      'Tokens that prompt and answer may take together, when the model’s own figure should not count.',
    ),
  MODEL_FIRST_TOKEN_TIMEOUT_MS: integer(1, 86_400_000)
    .prefault('300000')
    .describe('How long a model may take to begin its answer: loading a large one from disk takes minutes.'),
  MODEL_STALL_TIMEOUT_MS: integer(1, 86_400_000)
    .prefault('60000')
    .describe('How long a model may be silent in the middle of an answer.'),
  BACKGROUND_MODEL_CALLS: oneOf('on', 'off')
    .prefault('on')
    .describe(
      'Whether the language model also runs in the background: it writes titles and summaries and extracts memories. `off` saves its tokens; titles and summaries are then built from sentences, and only explicit requests are remembered.',
    ),
  BACKGROUND_MODEL_REST_MS: integer(0, 86_400_000)
    .prefault('10000')
    .describe(
      'How long a model server on this network must have answered nobody before it is asked in the background. Whoever asks meanwhile goes first.',
    ),
  INSIGHT_JUDGE: oneOf('on', 'off')
    .prefault('off')
    .describe(
      'Whether the language model judges each answer as well, in the background. Without it answers are measured by words, at no cost.',
    ),
  MAX_UPLOAD_MB: integer(1, 100_000).prefault('200').describe('The largest file that can be uploaded.'),
  MAX_PAGES: integer(1, 1_000_000).prefault('5000').describe('The most pages that are read of one document.'),
  MAX_UNPACKED_MB: integer(1, 100_000)
    .prefault('500')
    .describe('The most that a packed document (DOCX, EPUB …) may unpack to.'),
  MAX_SITE_PAGES: integer(1, 100_000)
    .prefault('500')
    .describe('The most pages of a website that are taken in at once.'),
  WATCH_FOLDERS: text
    .prefault('')
    .transform((list) => commaList(list).map((folder) => resolve(folder.replace(/^~(?=$|[/\\])/, homedir()))))
    .describe(
      'Comma list of the folders of this machine that administrators may let avees follow, with all that is in them: files that are added, changed or deleted there are so in the documents.',
    ),
  READ_TIMEOUT_S: integer(1, 86_400).prefault('300').describe('How long reading one document may take.'),
  READ_MEMORY_MB: integer(64, 1_000_000)
    .prefault('1024')
    .describe('How much memory reading one document may take.'),
  OCR_LANGUAGES: z
    .string()
    .regex(/^[a-z]{3}(?:_[a-z]+)*(?:\+[a-z]{3}(?:_[a-z]+)*)*$/i, {
      error: 'must be languages as Tesseract names them, like eng or deu+eng',
    })
    .optional()
    .describe(
      'The languages of scanned pages and pictures, as Tesseract names them (`eng`, `deu+eng`). With them, text on pictures is recognised by the `tesseract` program, which has to be installed with their data.',
    ),
  RUN_LEASE_MS: integer(100, 3_600_000)
    .prefault('4000')
    .describe('After how long without a sign of life a run is taken up by another server.'),
  RUN_EVENTS_DAYS: integer(0, 36_500)
    .prefault('7')
    .describe(
      'How long the event log of a finished run is kept. Its result stays; the run itself and its idempotency key are kept for 30 days, or as long as the log if that is longer.',
    ),
  SHUTDOWN_GRACE_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe('How long answers in progress may go on after the server was told to stop.'),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
    .prefault('info')
    .describe('How much is logged, as lines of JSON on standard error. `debug` also shows every request.'),
  METRICS_TOKEN: text
    .optional()
    .describe('The bearer token that lets other machines read `/metrics`; this machine may without.'),
})

/** Names that people reach for, and the setting they mean. */
const misspelt: Record<string, keyof z.input<typeof settings>> = {
  OPENAI_KEY: 'OPENAI_API_KEY',
  OPENAI_APIKEY: 'OPENAI_API_KEY',
  OPENAI_TOKEN: 'OPENAI_API_KEY',
  OPENAI_URL: 'OPENAI_BASE_URL',
  OPENAI_API_BASE: 'OPENAI_BASE_URL',
  OLLAMA_URL: 'OLLAMA_BASE_URL',
  OLLAMA_BASEURL: 'OLLAMA_BASE_URL',
  POSTGRES_URL: 'DATABASE_URL',
  PG_URL: 'DATABASE_URL',
  CORS_ORIGINS: 'ALLOWED_ORIGINS',
  ALLOWED_ORIGIN: 'ALLOWED_ORIGINS',
  CHAT_MODEL_NAME: 'CHAT_MODEL',
  EMBEDDING_MODEL: 'EMBED_MODEL',
  EMBEDDINGS_MODEL: 'EMBED_MODEL',
  DATA_PATH: 'DATA_DIR',
  LOGLEVEL: 'LOG_LEVEL',
}

const megabytes = (count: number) => count * 1024 * 1024

/** The settings as the rooms take them. Whatever must not be logged is a {@link Secret}. */
export type Config = ReturnType<typeof readConfig>

/**
 * Reads the settings from environment variables; empty ones count as not set.
 *
 * @throws ConfigError that names every wrong setting at once.
 */
export function readConfig(env: Record<string, string | undefined>) {
  const given = Object.fromEntries(
    Object.keys(settings.shape).flatMap((name) => {
      const value = env[name]?.trim()
      return value ? [[name, value]] : []
    }),
  )
  const parsed = settings.safeParse(given)
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => sentence(issue, given)))
  const s = parsed.data

  return {
    server: {
      host: s.HOST.replace(/^\[(.*)\]$/, '$1'),
      port: s.PORT,
      /** True when only this machine can reach the server. */
      loopback: isLoopbackHost(s.HOST),
      /** An origin, without a slash at its end. */
      publicUrl: s.PUBLIC_URL ?? null,
      allowedOrigins: s.ALLOWED_ORIGINS,
      /** Addresses and networks of the proxies in front; none when empty. */
      trustProxy: s.TRUST_PROXY,
      shutdownGraceMs: s.SHUTDOWN_GRACE_MS,
      metricsToken: secret(s.METRICS_TOKEN),
    },
    log: { level: s.LOG_LEVEL },
    /** Absolute. */
    dataDir: resolve(s.DATA_DIR),
    store: s.DATABASE_URL
      ? { kind: 'postgres' as const, url: new Secret(s.DATABASE_URL) }
      : { kind: 'embedded' as const, dir: resolve(s.DATA_DIR) },
    cache: s.REDIS_URL
      ? { kind: 'redis' as const, url: new Secret(s.REDIS_URL) }
      : { kind: 'memory' as const },
    accounts: {
      registrationOpen: s.REGISTRATION === 'open',
      sessionDays: s.SESSION_DAYS,
      signInLimit: s.LIMIT_SIGN_INS_PER_QUARTER_HOUR,
    },
    models: {
      ollamaUrl: s.OLLAMA_BASE_URL ?? s.OLLAMA_HOST ?? 'http://127.0.0.1:11434',
      /** Null when neither key nor address is set. */
      openai:
        s.OPENAI_API_KEY || s.OPENAI_BASE_URL
          ? { baseUrl: s.OPENAI_BASE_URL ?? 'https://api.openai.com/v1', apiKey: secret(s.OPENAI_API_KEY) }
          : null,
      chat: s.CHAT_MODEL ?? null,
      chatStrong: s.CHAT_MODEL_STRONG ?? null,
      embed: s.EMBED_MODEL ?? null,
      /** Null when no address is set. */
      rerank: s.RERANK_BASE_URL
        ? {
            baseUrl: s.RERANK_BASE_URL,
            model: s.RERANK_MODEL ?? 'default',
            apiKey: secret(s.RERANK_API_KEY),
          }
        : null,
      contextTokens: s.MODEL_CONTEXT_TOKENS ?? null,
      firstTokenTimeoutMs: s.MODEL_FIRST_TOKEN_TIMEOUT_MS,
      stallTimeoutMs: s.MODEL_STALL_TIMEOUT_MS,
      backgroundCalls: s.BACKGROUND_MODEL_CALLS === 'on',
      backgroundIdleMs: s.BACKGROUND_MODEL_REST_MS,
    },
    insight: { judge: s.INSIGHT_JUDGE === 'on' },
    runs: { leaseMs: s.RUN_LEASE_MS, eventsDays: s.RUN_EVENTS_DAYS },
    documents: {
      maxUploadBytes: megabytes(s.MAX_UPLOAD_MB),
      maxPages: s.MAX_PAGES,
      maxSitePages: s.MAX_SITE_PAGES,
      maxUnpackedBytes: megabytes(s.MAX_UNPACKED_MB),
      readTimeoutMs: s.READ_TIMEOUT_S * 1000,
      readMemoryMb: s.READ_MEMORY_MB,
    },
    /** Null when text on pictures is not recognised. */
    ocr: s.OCR_LANGUAGES ? { languages: s.OCR_LANGUAGES, env: pick(env, 'PATH', 'TESSDATA_PREFIX') } : null,
    /** Absolute. */
    watchFolders: s.WATCH_FOLDERS,
    /** Sentences about variables that look like a misspelt setting: worth saying, no reason to stop. */
    hints: Object.entries(misspelt)
      .filter(([wrong, right]) => env[wrong]?.trim() && !given[right])
      .map(([wrong, right]) => `${wrong} is set but not read; did you mean ${right}?`),
  }
}

const pick = <Name extends string>(env: Record<string, string | undefined>, ...names: Name[]) =>
  Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : []))) as {
    [N in Name]?: string
  }

const secret = (value: string | undefined) => (value === undefined ? null : new Secret(value))

const secretNames = new Set([
  'OPENAI_API_KEY',
  'RERANK_API_KEY',
  'METRICS_TOKEN',
  'DATABASE_URL',
  'REDIS_URL',
])

function sentence(issue: z.core.$ZodIssue, given: Record<string, string>): string {
  const name = String(issue.path[0])
  const value = secretNames.has(name) ? '' : `, not "${given[name]}"`
  return `${name} ${issue.message}${value}.`
}
