import { resolve } from 'node:path'
import type { z } from 'zod'
import { isLoopbackHost } from './http/loopback.ts'
import { settings } from './settings.ts'

/** A value that printing, logging and serializing replace by a placeholder. */
export class Secret<Value = string> {
  readonly #value: Value
  constructor(value: Value) {
    this.#value = value
  }
  reveal(): Value {
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

/** Invalid settings: one sentence per problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Common misspellings of settings. */
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

/** The settings of all modules. Values that must not be logged are a {@link Secret}. */
export type Config = ReturnType<typeof readConfig>

/** Variables that npm needs to run and to reach its registry; others may be secrets. */
const npmVariable =
  /^(?:PATH|HOME|TMPDIR|NODE_EXTRA_CA_CERTS|(?:https?|no|all)_proxy|npm_config_(?:registry|cache|userconfig|globalconfig|cafile|noproxy|(?:https-)?proxy))$/i

/** Reads the settings from environment variables; empty ones count as not set. @throws ConfigError for all invalid settings */
export function readConfig(env: Record<string, string | undefined>) {
  const given = Object.fromEntries(
    Object.keys(settings.shape).flatMap((name) => {
      const value = env[name]?.trim()
      return value ? [[name, value]] : []
    }),
  )
  const parsed = settings.safeParse(given)
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => describe(issue, given)))
  const s = parsed.data
  const missing = missingSettings(s)
  if (missing.length > 0) throw new ConfigError(missing)

  return {
    server: {
      host: s.HOST.replace(/^\[(.*)\]$/, '$1'),
      port: s.PORT,
      /** Whether only this machine can reach the server. */
      loopback: isLoopbackHost(s.HOST),
      /** An origin without a trailing slash. */
      publicUrl: s.PUBLIC_URL ?? null,
      allowedOrigins: s.ALLOWED_ORIGINS,
      /** Addresses and networks of trusted proxies. */
      trustProxy: s.TRUST_PROXY,
      shutdownGraceMs: s.SHUTDOWN_GRACE_MS,
      shutdownDelayMs: s.SHUTDOWN_DELAY_MS,
      metricsToken: secret(s.METRICS_TOKEN),
    },
    log: { level: s.LOG_LEVEL },
    /** Null if nothing is traced. */
    tracing: s.OTEL_EXPORTER_OTLP_ENDPOINT
      ? {
          endpoint: s.OTEL_EXPORTER_OTLP_ENDPOINT,
          headers: new Secret(s.OTEL_EXPORTER_OTLP_HEADERS),
          serviceName: s.OTEL_SERVICE_NAME,
        }
      : null,
    /** Absolute. */
    dataDir: resolve(s.DATA_DIR),
    encryptionKey: secret(s.ENCRYPTION_KEY),
    /** Null if people sign in with passwords only. */
    oidc:
      s.OIDC_ISSUER && s.OIDC_CLIENT_ID && s.PUBLIC_URL
        ? {
            issuer: s.OIDC_ISSUER,
            clientId: s.OIDC_CLIENT_ID,
            clientSecret: secret(s.OIDC_CLIENT_SECRET),
            name: s.OIDC_NAME ?? new URL(s.OIDC_ISSUER).host,
            publicUrl: s.PUBLIC_URL,
          }
        : null,
    /** Null if the server sends no mail. */
    mail:
      s.SMTP_URL && s.PUBLIC_URL
        ? {
            url: new Secret(s.SMTP_URL),
            from: s.MAIL_FROM ?? `Gabee <gabee@${new URL(s.PUBLIC_URL).hostname}>`,
            publicUrl: s.PUBLIC_URL,
          }
        : null,
    databaseUrl: secret(s.DATABASE_URL),
    redisUrl: secret(s.REDIS_URL),
    accounts: {
      registration: s.REGISTRATION,
      sessionDays: s.SESSION_DAYS,
      signInLimit: s.LIMIT_SIGN_INS_PER_QUARTER_HOUR,
    },
    /** New work per user and minute or hour; 0 for no limit. */
    limits: {
      questions: s.LIMIT_QUESTIONS_PER_MINUTE,
      anonymousQuestions: s.LIMIT_ANONYMOUS_QUESTIONS_PER_HOUR,
      uploads: s.LIMIT_UPLOADS_PER_HOUR,
      pulls: s.LIMIT_PULLS_PER_HOUR,
    },
    searxngUrl: s.SEARXNG_URL,
    /** Per user; 0 for no limit. */
    maxConversations: s.QUOTA_CONVERSATIONS,
    maxQuestionCharacters: s.MAX_QUESTION_CHARS,
    undoDays: s.UNDO_DAYS,
    minFreeDiskBytes: megabytes(s.MIN_FREE_DISK_MB),
    models: {
      ollamaBaseUrl: s.OLLAMA_BASE_URL ?? s.OLLAMA_HOST ?? 'http://127.0.0.1:11434',
      openai:
        s.OPENAI_API_KEY || s.OPENAI_BASE_URL
          ? { baseUrl: s.OPENAI_BASE_URL ?? 'https://api.openai.com/v1', apiKey: secret(s.OPENAI_API_KEY) }
          : undefined,
      chatModel: s.CHAT_MODEL,
      chatModelStrong: s.CHAT_MODEL_STRONG,
      embedModel: s.EMBED_MODEL,
      rerank: s.RERANK_BASE_URL
        ? {
            baseUrl: s.RERANK_BASE_URL,
            model: s.RERANK_MODEL ?? 'default',
            apiKey: secret(s.RERANK_API_KEY),
          }
        : undefined,
      inProcess: {
        directory: resolve(s.DATA_DIR, 'models'),
        hubUrl: s.MODEL_HUB_URL,
        modelDir: s.MODEL_DIR,
        chatEngine: {
          directory: s.MODEL_ENGINE_DIR ?? resolve(s.DATA_DIR, 'engines'),
          npmEnv: Object.fromEntries(Object.entries(env).filter(([name]) => npmVariable.test(name))),
        },
      },
      contextTokens: s.MODEL_CONTEXT_TOKENS,
      firstTokenMs: s.MODEL_FIRST_TOKEN_TIMEOUT_MS,
      stallMs: s.MODEL_STALL_TIMEOUT_MS,
      maxParallel: s.MODEL_MAX_PARALLEL,
      backgroundCalls: s.BACKGROUND_MODEL_CALLS === 'on',
      backgroundIdleMs: s.BACKGROUND_MODEL_REST_MS,
    },
    runs: { leaseMs: s.RUN_LEASE_MS, eventsDays: s.RUN_EVENTS_DAYS },
    documents: {
      maxUploadBytes: megabytes(s.MAX_UPLOAD_MB),
      maxPages: s.MAX_PAGES,
      maxSitePages: s.MAX_SITE_PAGES,
      maxUnpackedBytes: megabytes(s.MAX_UNPACKED_MB),
      readTimeoutMs: s.READ_TIMEOUT_S * 1000,
      readMemoryMb: s.READ_MEMORY_MB,
      quotaBytes: s.QUOTA_STORAGE_BYTES,
    },
    /** Null if OCR is off. */
    ocr: s.OCR_LANGUAGES
      ? { languages: s.OCR_LANGUAGES, env: { PATH: env['PATH'], TESSDATA_PREFIX: env['TESSDATA_PREFIX'] } }
      : null,
    /** Where LibreOffice is looked for, in the format of PATH. */
    searchPath: env['PATH'],
    /** Absolute. */
    watchFolders: s.WATCH_FOLDERS,
    webhookHosts: s.WEBHOOK_ALLOWED_HOSTS,
    toolHosts: s.TOOL_ALLOWED_HOSTS,
    /** Warnings about variables that look like misspelt settings. */
    hints: Object.entries(misspelt)
      .filter(([wrong, right]) => env[wrong]?.trim() && !given[right])
      .map(([wrong, right]) => `${wrong} is set but unknown; did you mean ${right}?`),
  }
}

/** Checks settings that depend on each other. Returns one sentence per problem. */
function missingSettings({
  SMTP_URL,
  PUBLIC_URL,
  OIDC_ISSUER,
  OIDC_CLIENT_ID,
}: z.output<typeof settings>): string[] {
  const isOidcPlain = OIDC_ISSUER?.startsWith('http:') && !isLoopbackHost(new URL(OIDC_ISSUER).hostname)
  return [
    SMTP_URL && !PUBLIC_URL && 'SMTP_URL requires PUBLIC_URL, because mails contain links.',
    OIDC_ISSUER &&
      !(OIDC_CLIENT_ID && PUBLIC_URL) &&
      'OIDC_ISSUER requires OIDC_CLIENT_ID, and PUBLIC_URL, to which the provider returns the browser.',
    isOidcPlain && 'OIDC_ISSUER must start with https:// unless it is on this machine.',
  ].filter((problem) => typeof problem === 'string')
}

const secret = (value: string | undefined) => (value === undefined ? null : new Secret(value))

const secretNames = new Set([
  'ENCRYPTION_KEY',
  'OIDC_CLIENT_SECRET',
  'OPENAI_API_KEY',
  'RERANK_API_KEY',
  'METRICS_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'SMTP_URL',
  'DATABASE_URL',
  'REDIS_URL',
])

function describe(issue: z.core.$ZodIssue, given: Record<string, string>): string {
  const name = String(issue.path[0])
  const value = secretNames.has(name) ? '' : `, not "${given[name]}"`
  return `${name} ${issue.message}${value}.`
}
