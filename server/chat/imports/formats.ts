import * as z from 'zod/mini'

/** A conversation of another program. Parents come before their children. */
export type ImportedConversation = {
  product: 'chatgpt' | 'claude' | 'open-webui' | 'librechat'
  id: string
  title: string
  createdAt: Date
  updatedAt: Date
  pinned: boolean
  archived: boolean
  messages: ImportedMessage[]
  /** The last message of the selected branch. */
  leaf: string
}
export type ImportedMessage = {
  id: string
  parentId: string | null
  role: 'user' | 'assistant'
  content: string
  model: string | null
  createdAt: Date
}

/** A message, or a node without text, which is left out. */
type Node = {
  id: string
  parent: string | null
  role: 'user' | 'assistant' | null
  text: string
  model: string | null
  at: unknown
}

const { catch: otherwise } = z
const text = otherwise(z.string(), '')
const maybeText = otherwise(z.nullable(z.string()), null)
const flag = otherwise(z.boolean(), false)
const anything = z.optional(z.unknown())
const parts = otherwise(z.array(z.unknown()), [])

const chatgpt = z.object({
  id: maybeText,
  conversation_id: maybeText,
  title: text,
  create_time: anything,
  update_time: anything,
  is_archived: flag,
  is_starred: flag,
  current_node: maybeText,
  mapping: z.record(
    z.string(),
    z.object({
      parent: maybeText,
      message: otherwise(
        z.nullable(
          z.object({
            author: z.object({ role: text }),
            create_time: anything,
            recipient: text,
            content: z.object({ content_type: text, parts }),
            metadata: otherwise(
              z.object({ model_slug: maybeText, is_visually_hidden_from_conversation: flag }),
              { model_slug: null, is_visually_hidden_from_conversation: false },
            ),
          }),
        ),
        null,
      ),
    }),
  ),
})

const claude = z.object({
  uuid: z.string(),
  name: text,
  created_at: anything,
  updated_at: anything,
  current_leaf_message_uuid: maybeText,
  is_starred: flag,
  chat_messages: z.array(
    z.object({
      uuid: z.string(),
      parent_message_uuid: maybeText,
      sender: text,
      text,
      content: parts,
      created_at: anything,
    }),
  ),
})

const openWebui = z.object({
  id: z.string(),
  title: text,
  created_at: anything,
  updated_at: anything,
  pinned: flag,
  archived: flag,
  chat: z.object({
    title: text,
    history: z.object({
      currentId: maybeText,
      messages: z.record(
        z.string(),
        z.object({
          parentId: maybeText,
          role: text,
          content: text,
          model: maybeText,
          timestamp: anything,
        }),
      ),
    }),
  }),
})

const librechatMessage = z.object({
  messageId: z.string(),
  parentMessageId: maybeText,
  text,
  content: parts,
  isCreatedByUser: flag,
  model: maybeText,
  createdAt: anything,
  children: parts,
})
const librechat = z.object({
  conversationId: z.string(),
  title: text,
  exportAt: anything,
  messages: otherwise(z.nullable(z.array(z.unknown())), null),
  messagesTree: otherwise(z.nullable(z.array(z.unknown())), null),
})

/** More messages than a person writes in one conversation. */
const maxMessages = 20_000
const maxTitleCharacters = 200
const maxMessageCharacters = 1_000_000

/** Returns a conversation of an export of ChatGPT, Claude, Open WebUI or LibreChat; undefined for anything else. */
export function toConversation(json: unknown): ImportedConversation | undefined {
  return fromChatgpt(json) ?? fromClaude(json) ?? fromOpenWebui(json) ?? fromLibrechat(json)
}

function fromChatgpt(json: unknown) {
  const parsed = chatgpt.safeParse(json)
  if (!parsed.success) return undefined
  const { mapping, current_node, ...data } = parsed.data
  const nodes = Object.entries(mapping).map(([id, { parent, message }]): Node => {
    const role = roleOf(message?.author.role)
    const isShown =
      message !== null &&
      /^(?:|all)$/.test(message.recipient) &&
      /^(?:multimodal_)?text$/.test(message.content.content_type) &&
      !message.metadata.is_visually_hidden_from_conversation
    return {
      id,
      parent,
      role: isShown ? role : null,
      text: isShown ? textOf(message.content.parts) : '',
      model: message?.metadata.model_slug ?? null,
      at: message?.create_time,
    }
  })
  return build(
    {
      product: 'chatgpt',
      id: data.conversation_id ?? data.id ?? '',
      title: data.title,
      createdAt: data.create_time,
      updatedAt: data.update_time,
      pinned: data.is_starred,
      archived: data.is_archived,
      current: current_node,
    },
    nodes,
  )
}

function fromClaude(json: unknown) {
  const parsed = claude.safeParse(json)
  if (!parsed.success) return undefined
  const { chat_messages: messages, ...data } = parsed.data
  const ids = new Set(messages.map(({ uuid }) => uuid))
  // Older exports have no parents: each message follows the one before it.
  const isLinear = messages.every(({ parent_message_uuid: parent }) => parent === null)
  const nodes = messages.map((message, i): Node => {
    const parent = isLinear ? (messages[i - 1]?.uuid ?? null) : message.parent_message_uuid
    return {
      id: message.uuid,
      parent: parent !== null && ids.has(parent) ? parent : null,
      role: roleOf(message.sender),
      text: textOf(message.content) || message.text,
      model: null,
      at: message.created_at,
    }
  })
  return build(
    {
      product: 'claude',
      id: data.uuid,
      title: data.name,
      createdAt: data.created_at,
      updatedAt: data.updated_at,
      pinned: data.is_starred,
      archived: false,
      current: data.current_leaf_message_uuid ?? messages.at(-1)?.uuid ?? null,
    },
    nodes,
  )
}

function fromOpenWebui(json: unknown) {
  const parsed = openWebui.safeParse(json)
  if (!parsed.success) return undefined
  const { chat, ...data } = parsed.data
  const nodes = Object.entries(chat.history.messages).map(
    ([id, message]): Node => ({
      id,
      parent: message.parentId,
      role: roleOf(message.role),
      text: message.content,
      model: message.model,
      at: message.timestamp,
    }),
  )
  return build(
    {
      product: 'open-webui',
      id: data.id,
      title: data.title || chat.title,
      createdAt: data.created_at,
      updatedAt: data.updated_at,
      pinned: data.pinned,
      archived: data.archived,
      current: chat.history.currentId,
    },
    nodes,
  )
}

function fromLibrechat(json: unknown) {
  const parsed = librechat.safeParse(json)
  const roots = parsed.data?.messages ?? parsed.data?.messagesTree
  if (!parsed.success || !roots) return undefined
  const { conversationId, title, exportAt } = parsed.data
  const nodes: Node[] = []
  // A recursive export nests each answer in its question.
  const queue = roots.map((message): [unknown, string | null] => [message, null])
  for (let i = 0; i < queue.length && i < maxMessages; i += 1) {
    const [given, above] = queue[i] ?? [undefined, null]
    const { data: message } = librechatMessage.safeParse(given)
    if (!message) continue
    nodes.push({
      id: message.messageId,
      parent: message.parentMessageId ?? above,
      role: message.isCreatedByUser ? 'user' : 'assistant',
      text: textOf(message.content) || message.text,
      model: message.model,
      at: message.createdAt,
    })
    for (const child of message.children) queue.push([child, message.messageId])
  }
  return build(
    {
      product: 'librechat',
      id: conversationId,
      title,
      createdAt: nodes[0]?.at ?? exportAt,
      updatedAt: nodes.at(-1)?.at ?? exportAt,
      pinned: false,
      archived: false,
      current: nodes.at(-1)?.id ?? null,
    },
    nodes,
  )
}

type Head = Omit<ImportedConversation, 'createdAt' | 'updatedAt' | 'messages' | 'leaf'> & {
  createdAt: unknown
  updatedAt: unknown
  current: string | null
}

/** Leaves out nodes without text; their children move up to the parent. */
function build({ current, ...head }: Head, nodes: Node[]): ImportedConversation | undefined {
  if (head.id === '' || nodes.length > maxMessages) return undefined
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const isKept = (node: Node) => node.role !== null && node.text.trim() !== ''
  const keptAncestor = (from: string | null): string | null => {
    const visited = new Set<string>()
    for (let id = from; id !== null && !visited.has(id); ) {
      visited.add(id)
      const node = byId.get(id)
      if (!node) return null
      if (isKept(node)) return id
      id = node.parent
    }
    return null
  }
  const children = Map.groupBy(nodes.filter(isKept), ({ parent }) => keptAncestor(parent))
  const dates = nodes.flatMap(({ at }) => toDate(at) ?? [])
  // Ids are derived from it, so it must not depend on the time of the import.
  const createdAt = toDate(head.createdAt) ?? dates[0] ?? new Date(0)
  const messages: ImportedMessage[] = []
  const queue: (string | null)[] = [null]
  for (let i = 0; i < queue.length; i += 1) {
    const parentId = queue[i] ?? null
    for (const { id, role, text: content, model, at } of children.get(parentId) ?? []) {
      if (role === null) continue
      messages.push({
        id,
        parentId,
        role,
        content: clean(content).slice(0, maxMessageCharacters).toWellFormed(),
        model: role === 'assistant' ? clean(model ?? head.product).slice(0, 200) : null,
        createdAt: toDate(at) ?? createdAt,
      })
      queue.push(id)
    }
  }
  const leaf = keptAncestor(current) ?? messages.at(-1)?.id
  if (leaf === undefined || !messages.some(({ id }) => id === leaf)) return undefined
  return {
    ...head,
    title: clean(head.title).replaceAll(/\s+/g, ' ').trim().slice(0, maxTitleCharacters).toWellFormed(),
    createdAt,
    updatedAt: toDate(head.updatedAt) ?? createdAt,
    messages,
    leaf,
  }
}

/** PostgreSQL does not store NUL. */
const clean = (given: string) => given.replaceAll('\0', '')

const roleOf = (role: string | undefined): Node['role'] =>
  role === 'user' || role === 'human' ? 'user' : role === 'assistant' ? 'assistant' : null

/** Joins the texts of a message's parts; images and tool calls have no text. */
function textOf(given: unknown[]): string {
  return given
    .map((part) => {
      if (typeof part === 'string') return part
      const { type, text: value } = (part ?? {}) as { type?: unknown; text?: unknown }
      if (type !== undefined && type !== 'text') return ''
      if (typeof value === 'string') return value
      const nested = (value as { value?: unknown } | undefined)?.value
      return typeof nested === 'string' ? nested : ''
    })
    .filter((one) => one.trim() !== '')
    .join('\n\n')
}

/** Parses a time: ISO 8601, or seconds, milliseconds or nanoseconds since 1970. */
function toDate(at: unknown): Date | undefined {
  const number = typeof at === 'number' && at > 0 ? at : undefined
  const milliseconds =
    number === undefined ? undefined : number < 1e11 ? number * 1000 : number < 1e14 ? number : number / 1e6
  const date = new Date(milliseconds ?? (typeof at === 'string' ? at : Number.NaN))
  return Number.isNaN(date.getTime()) || date.getFullYear() > 9999 ? undefined : date
}
