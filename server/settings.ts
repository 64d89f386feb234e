import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { z } from 'zod'
import { minKeyCharacters } from './encryption.ts'
import {
  commaList,
  headerList,
  httpUrl,
  integer,
  ollamaHost,
  oneOf,
  origin,
  originList,
  trustProxy,
  url,
} from './setting-formats.ts'

const text = z.string()

/** All settings with format, default and description. `npm run docs` generates the table in docs/configuration.md. */
export const settings = z.object({
  PORT: integer(0, 65_535)
    .prefault('8000')
    .describe('Port of the page and the API. 0 selects any free port.'),
  HOST: text
    .prefault('127.0.0.1')
    .describe(
      'Address to listen on. On a loopback address no sign-in is needed until a password is set; on any other address everybody signs in.',
    ),
  PUBLIC_URL: origin
    .optional()
    .describe(
      'Public URL of the server if it differs from `HOST` and `PORT`, for example `https://gabee.example` behind a proxy.',
    ),
  ALLOWED_ORIGINS: originList
    .prefault('http://localhost:3000,http://127.0.0.1:3000,http://localhost:3001,http://127.0.0.1:3001')
    .describe('Comma-separated list of web origins whose pages may call the API with a token.'),
  TRUST_PROXY: trustProxy
    .prefault('false')
    .describe(
      'Comma-separated list of the addresses or networks of proxies whose `X-Forwarded-For`, `-Host` and `-Proto` headers are trusted; `true` trusts this machine and private networks.',
    ),
  DATA_DIR: text
    .prefault('./data')
    .describe('Directory of the embedded database and the files of documents.'),
  MIN_FREE_DISK_MB: integer(0, 1_000_000_000)
    .prefault('500')
    .describe(
      'Minimum free disk space for `DATA_DIR` in megabytes. Below it, questions, uploads, imports and downloads are refused with 507, so that running work can finish. The default leaves room for one upload of the default `MAX_UPLOAD_MB` with its text and index.',
    ),
  DATABASE_URL: url('postgres', 'postgresql')
    .optional()
    .describe(
      'PostgreSQL server with pgvector, for example `postgres://gabee:password@localhost/gabee`. Without it, Gabee uses the embedded database.',
    ),
  REDIS_URL: url('redis', 'rediss')
    .optional()
    .describe(
      'Redis server for the embedding cache and the counts of rate limits. Without it, both are in memory.',
    ),
  REGISTRATION: oneOf('invite', 'open', 'closed')
    .prefault('invite')
    .describe(
      'Who may create an account after the first one: `invite`: with an invitation from an administrator; `open`: anybody; `closed`: nobody. The first account becomes the administrator. Unless `HOST` is this machine, it requires the setup token that the server prints when it starts.',
    ),
  ENCRYPTION_KEY: text
    .min(minKeyCharacters, `must have at least ${minKeyCharacters} characters`)
    .optional()
    .describe(
      'Secret of at least 32 characters that encrypts the secrets of authenticator apps in the database, for example from `openssl rand -base64 32`. Without it, the server creates a key in the file `encryption-key` of `DATA_DIR`. Several servers on one database need the same key.',
    ),
  SMTP_URL: url('smtp', 'smtps')
    .optional()
    .describe(
      'Mail server for invitations and password resets, for example `smtps://user:password@mail.example.org`. Requires `PUBLIC_URL`, because mails contain links. `smtp://` uses TLS if the server offers it; add `?requireTLS=true` to require it.',
    ),
  MAIL_FROM: text.optional().describe('Sender of mails. Default: `gabee@` and the host of `PUBLIC_URL`.'),
  OIDC_ISSUER: url('https', 'http')
    .optional()
    .describe(
      'Issuer URL of an OpenID Connect provider where people can sign in, for example `https://login.example.org/realms/main`. Requires `OIDC_CLIENT_ID` and `PUBLIC_URL`; the redirect URI to register there is `/auth/oidc/callback` on `PUBLIC_URL`. `http://` is accepted on this machine only.',
    ),
  OIDC_CLIENT_ID: text.optional().describe('Client id of this server at the OIDC provider.'),
  OIDC_CLIENT_SECRET: text
    .optional()
    .describe('Client secret at the OIDC provider; none for a public client.'),
  OIDC_NAME: text
    .optional()
    .describe('Name of the OIDC provider on the sign-in page. Default: the host of `OIDC_ISSUER`.'),
  SESSION_DAYS: integer(1, 3650).prefault('30').describe('Days until a session expires.'),
  LIMIT_SIGN_INS_PER_QUARTER_HOUR: integer(0, 1_000_000)
    .prefault('10')
    .describe(
      'Wrong passwords per quarter of an hour that one client may enter for one account; three times as many for all accounts from one address, and ten times as many for one account from all addresses. Beyond that, one attempt every 30 seconds is allowed. 0 sets no limit.',
    ),
  LIMIT_QUESTIONS_PER_MINUTE: integer(0, 1_000_000)
    .prefault('0')
    .describe('Questions per minute and user. 0 sets no limit.'),
  LIMIT_ANONYMOUS_QUESTIONS_PER_HOUR: integer(0, 1_000_000)
    .prefault('30')
    .describe('Questions per hour and address of visitors without an account. 0 sets no limit.'),
  LIMIT_UPLOADS_PER_HOUR: integer(0, 1_000_000)
    .prefault('0')
    .describe('Uploads and imports of documents per hour and user. 0 sets no limit.'),
  LIMIT_PULLS_PER_HOUR: integer(0, 1_000_000)
    .prefault('0')
    .describe('Model downloads per hour and user. 0 sets no limit.'),
  UNDO_DAYS: integer(0, 36_500)
    .prefault('7')
    .describe(
      'Days for which deleted documents, conversations and memories stay in the trash and can be restored. 0 deletes them permanently at once.',
    ),
  QUOTA_STORAGE_BYTES: integer(0, 999_999_999_999_999)
    .prefault('0')
    .describe('Maximum total size of a user’s documents in bytes. 0 sets no limit.'),
  QUOTA_CONVERSATIONS: integer(0, 1_000_000_000)
    .prefault('0')
    .describe('Maximum number of conversations of a user. 0 sets no limit.'),
  OLLAMA_BASE_URL: httpUrl
    .optional()
    .describe(
      'URL of Ollama. If it is not set, `OLLAMA_HOST` applies, then the default `http://127.0.0.1:11434`.',
    ),
  OLLAMA_HOST: ollamaHost
    .optional()
    .describe(
      'Ollama’s own setting in its own formats (`host`, `host:port`, a URL), used if `OLLAMA_BASE_URL` is not set.',
    ),
  OPENAI_API_KEY: text.optional().describe('API key of an OpenAI-compatible service.'),
  OPENAI_BASE_URL: httpUrl
    .optional()
    .describe(
      'URL of an OpenAI-compatible service, including `/v1`. Default if the key is set: `https://api.openai.com/v1`.',
    ),
  CHAT_MODEL: text
    .optional()
    .describe(
      'Model that answers. Without it, Gabee selects an available model; the page shows which and why.',
    ),
  CHAT_MODEL_STRONG: text
    .optional()
    .describe('Model for questions that request the stronger model (`use_gpt4o=true`).'),
  EMBED_MODEL: text
    .optional()
    .describe(
      'Embedding model for semantic search, for example `nomic-embed-text` or `in_process/multilingual-e5-small`. Default: one that an administrator has downloaded from the catalogue, otherwise the preferred one of Ollama.',
    ),
  RERANK_BASE_URL: httpUrl
    .optional()
    .describe(
      'URL of a cross-encoder with `POST /rerank` (llama.cpp, vLLM, Jina, Cohere), for example `http://127.0.0.1:8081/v1`. It receives each question with the passages found and reranks the best ones. A cross-encoder of the catalogue that an administrator has downloaded, or one that an OpenAI-compatible service in the private network lists, is used without this setting.',
    ),
  RERANK_MODEL: text.optional().describe('Name of the cross-encoder; `default` if the service has only one.'),
  RERANK_API_KEY: text
    .optional()
    .describe('API key of the service at `RERANK_BASE_URL`, if it requires one.'),
  MODEL_HUB_URL: httpUrl
    .prefault('https://huggingface.co')
    .describe(
      'Hub from which administrators download models that run in this process; it serves `/<repository>/resolve/<revision>/<file>`. Nothing is fetched unless an administrator asks for it.',
    ),
  MODEL_DIR: text
    .optional()
    .transform((folder) => (folder === undefined ? undefined : resolve(folder)))
    .describe(
      'Folder on the server with the files of models, as `<id>/<file>` or `<repository>/<file>`, which downloads copy instead of fetching them from the hub. Its `catalogue.json`, a list of entries as in `GET /models/catalogue`, adds models to the catalogue.',
    ),
  MODEL_ENGINE_DIR: text
    .optional()
    .transform((folder) => (folder === undefined ? undefined : resolve(folder)))
    .describe(
      'Folder in which administrators install the engine of GGUF models. Default: `engines` in `DATA_DIR`.',
    ),
  MODEL_CONTEXT_TOKENS: integer(512, 10_000_000)
    .optional()
    .describe(
      'Context window in tokens, for prompt and answer together. By default the one that the model reports.',
    ),
  MODEL_FIRST_TOKEN_TIMEOUT_MS: integer(1, 86_400_000)
    .prefault('300000')
    .describe('Timeout for the first token in milliseconds. Loading a large model from disk takes minutes.'),
  MODEL_STALL_TIMEOUT_MS: integer(1, 86_400_000)
    .prefault('60000')
    .describe('Timeout between two tokens in milliseconds.'),
  MODEL_MAX_PARALLEL: integer(1, 1_000)
    .optional()
    .describe(
      'Concurrent answers of Ollama and of the OpenAI-compatible service, each. Further ones wait in a queue that is fair among users. By default there is no limit.',
    ),
  BACKGROUND_MODEL_CALLS: oneOf('on', 'off')
    .prefault('on')
    .describe(
      'Whether the language model also runs in the background: it writes titles and summaries and extracts memories. `off` saves tokens; titles and summaries are then built from sentences, and only explicit requests are remembered.',
    ),
  BACKGROUND_MODEL_REST_MS: integer(0, 86_400_000)
    .prefault('10000')
    .describe(
      'Time in milliseconds for which a local model server must be idle before background calls. Answers preempt background calls.',
    ),
  SEARXNG_URL: httpUrl
    .optional()
    .describe(
      'URL of a SearXNG server whose settings allow the format `json`. Avees can then search the web if their owner selects the tool.',
    ),
  MAX_QUESTION_CHARS: integer(1, 1_000_000)
    .prefault('32000')
    .describe('Maximum number of characters of a question.'),
  MAX_UPLOAD_MB: integer(1, 100_000)
    .prefault('200')
    .describe('Maximum size of an uploaded file in megabytes.'),
  MAX_PAGES: integer(1, 1_000_000).prefault('5000').describe('Maximum number of pages of a document.'),
  MAX_UNPACKED_MB: integer(1, 100_000)
    .prefault('500')
    .describe('Maximum unpacked size of a compressed document (DOCX, EPUB …) in megabytes.'),
  MAX_SITE_PAGES: integer(1, 100_000)
    .prefault('500')
    .describe('Maximum number of pages of a website import.'),
  WATCH_FOLDERS: text
    .prefault('')
    .transform((list) => commaList(list).map((folder) => resolve(folder.replace(/^~(?=$|[/\\])/, homedir()))))
    .describe(
      'Comma-separated list of folders on the server that administrators may connect to avees. Changes in a connected folder are synced to its documents.',
    ),
  WEBHOOK_ALLOWED_HOSTS: text
    .prefault('')
    .transform((list) => commaList(list).map((host) => host.toLowerCase()))
    .describe(
      'Comma-separated list of hosts outside the public internet (`name` or `name:port`) that webhooks may post to.',
    ),
  TOOL_ALLOWED_HOSTS: text
    .prefault('')
    .transform((list) => commaList(list).map((host) => host.toLowerCase()))
    .describe(
      'Comma-separated list of hosts outside the public internet (`name` or `name:port`) that tools of avees may reach.',
    ),
  READ_TIMEOUT_S: integer(1, 86_400).prefault('300').describe('Timeout for parsing a document in seconds.'),
  READ_MEMORY_MB: integer(64, 1_000_000)
    .prefault('1024')
    .describe('Memory limit for parsing a document in megabytes.'),
  OCR_LANGUAGES: z
    .string()
    .regex(/^[a-z]{3}(?:_[a-z]+)*(?:\+[a-z]{3}(?:_[a-z]+)*)*$/i, {
      error: 'must be Tesseract languages such as eng or deu+eng',
    })
    .optional()
    .describe(
      'Tesseract languages for OCR of scanned pages and images (`eng`, `deu+eng`). OCR requires the `tesseract` program with the data of these languages.',
    ),
  RUN_LEASE_MS: integer(100, 3_600_000)
    .prefault('4000')
    .describe('Time without a heartbeat in milliseconds after which another server takes over a run.'),
  RUN_EVENTS_DAYS: integer(0, 36_500)
    .prefault('7')
    .describe(
      'Retention of the event log of a finished run in days. The results of the run are kept; the run and its idempotency key are kept for 30 days, or as long as the log if that is longer.',
    ),
  SHUTDOWN_GRACE_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'Time in milliseconds for running answers to finish after the server receives a signal to stop.',
    ),
  SHUTDOWN_DELAY_MS: integer(0, 3_600_000)
    .prefault('0')
    .describe(
      'Time in milliseconds after a signal to stop in which the server keeps working while `/health/ready` is 503. With several servers, set it longer than the interval at which the load balancer checks them.',
    ),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
    .prefault('info')
    .describe('Log level. The log is JSON lines on standard error; `debug` includes every request.'),
  METRICS_TOKEN: text
    .optional()
    .describe('Bearer token for `/metrics`. Requests from the server’s own machine need none.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl
    .optional()
    .describe(
      'Address of an OpenTelemetry collector, such as `http://localhost:4318`, for traces over HTTP as JSON.',
    ),
  OTEL_EXPORTER_OTLP_HEADERS: headerList
    .prefault('')
    .describe('Headers for the collector: comma-separated `name=value` pairs, with percent-encoded values.'),
  OTEL_SERVICE_NAME: text.prefault('gabee').describe('Name of this server in traces.'),
})
