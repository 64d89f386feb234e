import { BlockList, isIP } from 'node:net'
import { Agent } from 'undici'

/** The connection settings of a model service. */
export type ModelService = {
  readonly kind: 'ollama' | 'openai' | 'rerank'
  /** Without a trailing slash; a user name and password in it are sent as a header. */
  readonly baseUrl: string
  readonly headers: Record<string, string>
  /** For messages: "the service at api.openai.com", and the same at the start of a sentence. */
  readonly name: string
  readonly nameAtStart: string
  /** Without user name and password. */
  readonly address: string
  /** One sentence each on what to do if it is unreachable or rejects the key. */
  readonly unreachableHint: string
  readonly unauthorizedHint: string
  /** Whether it is outside this machine and its private network. */
  readonly remote: boolean
  /** Values that must not appear in messages. */
  readonly secrets: string[]
  readonly agent: Agent
}

export function createOllamaService(baseUrl: string): ModelService {
  const { address, headers, secrets, url } = parseBaseUrl(baseUrl)
  return {
    kind: 'ollama',
    baseUrl: address,
    headers,
    name: `Ollama at ${address}`,
    nameAtStart: `Ollama at ${address}`,
    address,
    unreachableHint: 'Start it with "ollama serve", or set OLLAMA_BASE_URL to where it runs.',
    unauthorizedHint: 'Check the user name and password in OLLAMA_BASE_URL.',
    remote: isRemote(url.hostname),
    secrets,
    agent: createAgent(),
  }
}

type ServiceSettings = { baseUrl: string; apiKey?: string | undefined }

export const createOpenAiService = (settings: ServiceSettings): ModelService =>
  createService('openai', settings)

export const createRerankService = (settings: ServiceSettings): ModelService =>
  createService('rerank', settings)

function createService(kind: 'openai' | 'rerank', settings: ServiceSettings): ModelService {
  const { address, headers, secrets, url } = parseBaseUrl(settings.baseUrl)
  if (settings.apiKey) headers['authorization'] = `Bearer ${settings.apiKey}`
  const prefix = kind.toUpperCase()
  return {
    kind,
    baseUrl: address,
    headers,
    name: `the service at ${url.host}`,
    nameAtStart: `The service at ${url.host}`,
    address,
    unreachableHint: `Check ${prefix}_BASE_URL and the network.`,
    unauthorizedHint: `Check ${prefix}_API_KEY.`,
    remote: isRemote(url.hostname),
    secrets: settings.apiKey ? [...secrets, settings.apiKey] : secrets,
    agent: createAgent(),
  }
}

/**
 * Only connecting has a transport timeout. Loading a model may take longer than undici's default of 300 s, and
 * `watchTimeouts` limits the wait for the first token and between tokens.
 */
const createAgent = () =>
  new Agent({ connect: { timeout: 5_000 }, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 4_000 })

function parseBaseUrl(baseUrl: string) {
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
  return { url, address: url.href.replace(/\/+$/, ''), headers, secrets }
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
