import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { ConfigError, readConfig, Secret } from './config.ts'

const problems = (env: Record<string, string>) => {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

test('the defaults serve only this machine', () => {
  expect(readConfig({})).toEqual({
    server: {
      host: '127.0.0.1',
      port: 8000,
      loopback: true,
      publicUrl: null,
      allowedOrigins: [
        'http://localhost:3000',
        'http://127.0.0.1:3000',
        'http://localhost:3001',
        'http://127.0.0.1:3001',
      ],
      trustProxy: [],
      shutdownGraceMs: 10_000,
      shutdownDelayMs: 0,
      metricsToken: null,
    },
    log: { level: 'info' },
    tracing: null,
    dataDir: resolve('data'),
    encryptionKey: null,
    oidc: null,
    mail: null,
    databaseUrl: null,
    redisUrl: null,
    accounts: { registration: 'invite', sessionDays: 30, signInLimit: 10 },
    limits: { questions: 0, uploads: 0, pulls: 0, anonymousQuestions: 30 },
    maxConversations: 0,
    maxQuestionCharacters: 32_000,
    undoDays: 7,
    minFreeDiskBytes: 500 * 1024 * 1024,
    models: {
      ollamaBaseUrl: 'http://127.0.0.1:11434',
      firstTokenMs: 300_000,
      stallMs: 60_000,
      backgroundCalls: true,
      backgroundIdleMs: 10_000,
      inProcess: {
        directory: resolve('data/models'),
        hubUrl: 'https://huggingface.co',
        chatEngine: { directory: resolve('data/engines'), npmEnv: {} },
      },
    },
    runs: { leaseMs: 4_000, eventsDays: 7 },
    documents: {
      maxUploadBytes: 200 * 1024 * 1024,
      maxPages: 5_000,
      maxSitePages: 500,
      maxUnpackedBytes: 500 * 1024 * 1024,
      readTimeoutMs: 300_000,
      readMemoryMb: 1024,
      quotaBytes: 0,
    },
    ocr: null,
    watchFolders: [],
    toolHosts: [],
    webhookHosts: [],
    hints: [],
  })
})

test('an empty setting counts as not set', () => {
  expect(readConfig({ PORT: ' ', HOST: '', CHAT_MODEL: '  ', DATABASE_URL: '' })).toEqual(readConfig({}))
})

test('names every invalid setting at once', () => {
  const found = problems({
    PORT: '80O0',
    REGISTRATION: 'maybe',
    OLLAMA_BASE_URL: 'localhost:11434',
    OPENAI_BASE_URL: 'https://api.example/v1?api-version=1',
    DATABASE_URL: 'mysql://user:s3cret@host/db',
    ALLOWED_ORIGINS: 'http://fine.example, http://not.example/with/path',
    PUBLIC_URL: 'gabee.example',
    SESSION_DAYS: '0',
    TRUST_PROXY: '10.0.0.0/64',
    LOG_LEVEL: 'loud',
  })
  expect(found).toEqual([
    'PORT must be a whole number from 0 to 65535, not "80O0".',
    'PUBLIC_URL must be an origin like https://gabee.example, with nothing after the host and port, not "gabee.example".',
    'ALLOWED_ORIGINS must be a comma list of origins like http://localhost:3000, each without a path, not "http://fine.example, http://not.example/with/path".',
    'TRUST_PROXY must be true, false, or a comma list of addresses and networks such as 10.0.0.0/8, not "10.0.0.0/64".',
    'DATABASE_URL must be a URL that starts with postgres:// or postgresql://.',
    'REGISTRATION must be invite, open or closed, not "maybe".',
    'SESSION_DAYS must be a whole number from 1 to 3650, not "0".',
    'OLLAMA_BASE_URL must be a URL that starts with http:// or https://, not "localhost:11434".',
    'OPENAI_BASE_URL must be a URL without ? and #, such as http://127.0.0.1:8081/v1, not "https://api.example/v1?api-version=1".',
    'LOG_LEVEL must be trace, debug, info, warn, error, fatal or silent, not "loud".',
  ])
})

test.each(['-1', '65536', '8000.5', '1e3', '0x1F', '８０'])('rejects PORT=%s', (PORT) => {
  expect(problems({ PORT })).toHaveLength(1)
})

test.each([
  ['10.1.2.3', 'http://10.1.2.3:11434'],
  ['gpu-box', 'http://gpu-box:11434'],
  ['gpu-box:9999', 'http://gpu-box:9999'],
  ['gpu-box:80', 'http://gpu-box'],
  ['0.0.0.0', 'http://127.0.0.1:11434'],
  ['0.0.0.0:9999', 'http://127.0.0.1:9999'],
  [':9999', 'http://127.0.0.1:9999'],
  ['[::]:9999', 'http://127.0.0.1:9999'],
  ['::1', 'http://[::1]:11434'],
  ['[::1]', 'http://[::1]:11434'],
  ['http://gpu-box', 'http://gpu-box'],
  ['http://gpu-box:11434/', 'http://gpu-box:11434'],
  ['https://gpu-box/ollama/', 'https://gpu-box/ollama'],
])('OLLAMA_HOST=%s means %s', (OLLAMA_HOST, url) => {
  expect(readConfig({ OLLAMA_HOST }).models.ollamaBaseUrl).toBe(url)
})

test('OLLAMA_BASE_URL takes precedence over OLLAMA_HOST', () => {
  const { models } = readConfig({ OLLAMA_BASE_URL: 'http://a:1/', OLLAMA_HOST: 'b:2' })
  expect(models.ollamaBaseUrl).toBe('http://a:1')
  expect(problems({ OLLAMA_HOST: 'ftp://x' })).toEqual([
    'OLLAMA_HOST must be a host such as 127.0.0.1:11434, not "ftp://x".',
  ])
})

test('an OpenAI-compatible service is configured by a key or a URL', () => {
  expect(readConfig({ OPENAI_API_KEY: 'sk-1' }).models.openai?.baseUrl).toBe('https://api.openai.com/v1')
  const local = readConfig({ OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1/' }).models.openai
  expect(local).toEqual({ baseUrl: 'http://127.0.0.1:8080/v1', apiKey: null })
})

test.each([
  ['127.0.0.1', true],
  ['localhost', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.5', false],
])('HOST=%s is loopback: %s', (HOST, loopback) => {
  expect(readConfig({ HOST }).server.loopback).toBe(loopback)
})

test('secrets can be revealed but are not printed', () => {
  const config = readConfig({
    OPENAI_API_KEY: 'sk-hidden',
    RERANK_BASE_URL: 'http://127.0.0.1:8081/v1/',
    RERANK_API_KEY: 'rr-hidden',
    METRICS_TOKEN: 'metrics-hidden',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20otel-hidden, x-team = ops',
    DATABASE_URL: 'postgres://gabee:hidden@127.0.0.1/gabee',
    REDIS_URL: 'redis://:hidden@127.0.0.1',
  })
  expect(config.models.openai?.apiKey?.reveal()).toBe('sk-hidden')
  expect(config.models.rerank?.apiKey?.reveal()).toBe('rr-hidden')
  expect(config.databaseUrl?.reveal()).toContain('hidden')
  expect(config.tracing?.headers.reveal()).toEqual({ authorization: 'Bearer otel-hidden', 'x-team': 'ops' })
  const printed = [
    JSON.stringify(config),
    inspect(config, { depth: 9, showHidden: true }),
    String(new Secret('hidden')),
  ]
  for (const text of printed) expect(text).not.toContain('hidden@')
  expect(printed.join('')).not.toMatch(/sk-hidden|rr-hidden|metrics-hidden|otel-hidden|:hidden/)
  expect(problems({ METRICS_TOKEN: 'x', REDIS_URL: 'hidden' }).join()).not.toContain('hidden')
})

test('warns about a misspelt setting unless the right one is set', () => {
  expect(readConfig({ OPENAI_KEY: 'sk-1' }).hints).toEqual([
    'OPENAI_KEY is set but unknown; did you mean OPENAI_API_KEY?',
  ])
  expect(readConfig({ OPENAI_KEY: 'sk-1', OPENAI_API_KEY: 'sk-1' }).hints).toEqual([])
})

test('an OIDC provider requires a client and a public URL, and TLS unless it is on this machine', () => {
  const OIDC_ISSUER = 'http://login.example.org'
  expect(problems({ OIDC_ISSUER }).join()).toMatch(
    /requires OIDC_CLIENT_ID, and PUBLIC_URL.*must start with https/,
  )
  const given = { OIDC_CLIENT_ID: 'gabee', PUBLIC_URL: 'http://localhost:8000' }
  expect(readConfig({ ...given, OIDC_ISSUER: 'http://localhost:8080/realm' }).oidc?.name).toBe(
    'localhost:8080',
  )
})

test('mail requires a public URL, and its sender is on that host by default', () => {
  const SMTP_URL = 'smtps://gabee:secret@mail.example.org'
  expect(problems({ SMTP_URL })).toEqual(['SMTP_URL requires PUBLIC_URL, because mails contain links.'])
  expect(problems({ SMTP_URL: 'http://u:secret@mail.example.org' }).join()).not.toContain('secret')
  const { mail } = readConfig({ SMTP_URL, PUBLIC_URL: 'https://gabee.example' })
  expect(mail).toMatchObject({ from: 'Gabee <gabee@gabee.example>', publicUrl: 'https://gabee.example' })
})
