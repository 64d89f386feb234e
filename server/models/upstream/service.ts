import { BlockList, isIP } from 'node:net'
import { Agent } from 'undici'

/** Shorter header values may occur in ordinary words of a message. */
const minSecretCharacters = 6

/** The connection settings of a model service. */
export type ModelService = {
  readonly kind: ServiceKind | 'rerank' | 'hub' | 'in_process'
  readonly headers: Record<string, string>
  /** For messages: "the model service at api.openai.com", and the same at the start of a sentence. */
  readonly name: string
  readonly nameAtStart: string
  /** The base URL, without a trailing slash; its user name and password are sent as a header. */
  readonly address: string
  /** One sentence each that says what to do if it is unreachable or rejects the key. */
  readonly unreachableHint: string
  readonly unauthorizedHint: string
  /** Whether the service is outside this machine and its private network. */
  readonly remote: boolean
  /** Values that must not appear in messages. */
  readonly secrets: string[]
  readonly agent: Agent
}

export type ServiceKind = 'ollama' | 'openai' | 'anthropic' | 'google'

type ServiceSettings = {
  baseUrl: string
  apiKey?: string | undefined
  headers?: Record<string, string> | undefined
}

/** The service of a provider that an administrator has added. */
export function createService(
  kind: ServiceKind,
  { name, ...settings }: ServiceSettings & { name: string },
): ModelService {
  const remedy = 'An administrator can correct it on the Models screen.'
  return {
    ...connect(kind, settings),
    kind,
    name: `the provider ${name}`,
    nameAtStart: `The provider ${name}`,
    unreachableHint: `Check its address and that it is running. ${remedy}`,
    unauthorizedHint: `Its API key is missing or wrong. ${remedy}`,
  }
}

export function createOllamaService(baseUrl: string): ModelService {
  const name = 'Ollama'
  return {
    ...connect('ollama', { baseUrl }),
    kind: 'ollama',
    name,
    nameAtStart: name,
    unreachableHint: 'Start it with "ollama serve", or set OLLAMA_BASE_URL to its address.',
    unauthorizedHint: 'Check the user name and password in OLLAMA_BASE_URL.',
  }
}

export const createOpenAiService = (settings: ServiceSettings): ModelService =>
  createConfigured('openai', settings)

export const createRerankService = (settings: ServiceSettings): ModelService =>
  createConfigured('rerank', settings)

/** The hub that models are downloaded from. */
export function createHubService(baseUrl: string): ModelService {
  const connection = connect('hub', { baseUrl })
  const name = `model hub${connection.remote ? ` at ${new URL(baseUrl).host}` : ''}`
  return {
    ...connection,
    kind: 'hub',
    name: `the ${name}`,
    nameAtStart: `The ${name}`,
    unreachableHint: 'Check MODEL_HUB_URL and the network, or copy the files of the model into MODEL_DIR.',
    unauthorizedHint: 'Check the user name and password in MODEL_HUB_URL.',
  }
}

/** The models that run in this process. */
export function createInProcessService(): ModelService {
  return {
    ...connect('in_process', { baseUrl: 'http://localhost' }),
    kind: 'in_process',
    address: 'in-process:',
    name: 'the in-process engine',
    nameAtStart: 'The in-process engine',
    unreachableHint: 'Choose a smaller model, or restart the server.',
    unauthorizedHint: '',
  }
}

function createConfigured(kind: 'openai' | 'rerank', settings: ServiceSettings): ModelService {
  const connection = connect(kind, settings)
  const { host } = new URL(settings.baseUrl)
  // Messages reach everybody, so they contain no internal address.
  const name = `${kind === 'rerank' ? 'reranking' : 'model'} service${connection.remote ? ` at ${host}` : ''}`
  return {
    ...connection,
    kind,
    name: `the ${name}`,
    nameAtStart: `The ${name}`,
    unreachableHint: `Check ${kind.toUpperCase()}_BASE_URL and the network.`,
    unauthorizedHint: `Check ${kind.toUpperCase()}_API_KEY.`,
  }
}

function connect(kind: ModelService['kind'], { baseUrl, apiKey, headers = {} }: ServiceSettings) {
  const connection = connectTo(baseUrl)
  if (kind === 'anthropic') connection.headers['anthropic-version'] = '2023-06-01'
  if (apiKey) {
    if (kind === 'anthropic') connection.headers['x-api-key'] = apiKey
    else if (kind === 'google') connection.headers['x-goog-api-key'] = apiKey
    else connection.headers['authorization'] = `Bearer ${apiKey}`
    connection.secrets.push(apiKey)
  }
  for (const [name, value] of Object.entries(headers)) {
    connection.headers[name.toLowerCase()] = value
    if (value.length >= minSecretCharacters) connection.secrets.push(value)
  }
  return connection
}

function connectTo(baseUrl: string) {
  const url = new URL(baseUrl)
  const headers: Record<string, string> = {}
  const secrets: string[] = []
  if (url.username || url.password) {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`
    if (url.password) secrets.push(decodeURIComponent(url.password))
    url.username = ''
    url.password = ''
  }
  return {
    address: url.href.replace(/\/+$/, ''),
    headers,
    secrets,
    remote: isRemote(url.hostname),
    // Only connecting has a transport timeout. Loading a model may take longer than undici's default of 300 s, and
    // `watchTimeouts` limits the wait for the first token and between tokens.
    agent: new Agent({
      connect: { timeout: 5_000 },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
    }),
  }
}

const privateNetworks = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  privateNetworks.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  privateNetworks.addSubnet(network, bits, 'ipv6')

/** Whether a host is outside the private network. Names without a dot or under .local, .internal and .lan are inside. */
export function isRemote(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  const version = isIP(host)
  if (version !== 0) return !privateNetworks.check(host, version === 4 ? 'ipv4' : 'ipv6')
  return host.includes('.') && !/\.(?:local|internal|lan|localhost)$/.test(host)
}
