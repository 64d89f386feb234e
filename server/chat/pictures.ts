import { isPicture } from '../../contract/attachments.ts'
import { type Layer, layersWithin } from '../../contract/layers.ts'
import type { AnswerDetails, CitedPassage } from '../../contract/messages.ts'
import type { Db } from '../db/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { ChatImage, ChatMessage, ChatModel } from '../models/index.ts'
import type { Turn } from './prompt.ts'
import { listAttachments, type MessageRow } from './store/messages.ts'

/** Pictures in a prompt, those of the question first, then those of earlier questions, the latest first. */
const maxPictures = 8
/** The largest share of the context window for pictures. */
const maxShare = 1 / 2
/** Pictures of source pages, and their largest share of the context window. */
const maxPages = 3
const maxPagesShare = 1 / 4
/** The longest edge in pixels: the maximum that Anthropic uses, and less for small context windows. */
const edges = { usual: 1_568, small: 1_024, smallWindow: 16_000 }

export type PromptPictures = {
  byMessage: Map<string, ChatImage[]>
  /** Estimated. */
  tokens: number
  details: Pick<AnswerDetails, 'images' | 'images_left_out'>
}

/**
 * Gathers the pictures of a question and of the turns before it, for a model with vision. A model outside the private
 * network gets them only if the user has named its provider.
 */
export async function gatherPictures(
  { db, knowledge }: { db: Db; knowledge: Pick<Knowledge, 'attachments' | 'picture'> },
  request: {
    conversationId: string
    userId: string
    question: Pick<MessageRow, 'id'> & Partial<Pick<MessageRow, 'attachments'>>
    history: Turn[]
    model: ChatModel
    contextTokens: number
    imagesTo: string | undefined
  },
  signal: AbortSignal,
): Promise<PromptPictures> {
  const { question, model, contextTokens } = request
  const documents = await knowledge.attachments.of(request.conversationId)
  const pictures = new Map(
    documents.filter(({ type }) => isPicture(type)).map((document) => [document.id, document]),
  )
  const earlier = await listAttachments(
    db,
    request.history.flatMap(({ id }) => id ?? []),
  )
  const wanted = [question, ...earlier].flatMap(({ id, attachments = [] }) =>
    attachments.flatMap((attachment) => {
      const document = pictures.get(attachment)
      return document ? [{ messageId: id, sha256: document.sha256 }] : []
    }),
  )
  const byMessage = new Map<string, ChatImage[]>()
  const asked = wanted.filter(({ messageId }) => messageId === question.id).length
  if (wanted.length === 0) return { byMessage, tokens: 0, details: {} }
  const obstacle = !model.capabilities.includes('vision')
    ? 'no_vision'
    : model.remote && request.imagesTo !== model.provider
      ? 'not_allowed'
      : undefined
  if (obstacle !== undefined)
    return { byMessage, tokens: 0, details: asked === 0 ? {} : { images: 0, images_left_out: obstacle } }

  const maxEdge = maxEdgeFor(contextTokens)
  let tokens = 0
  let given = 0
  for (const { messageId, sha256 } of wanted.slice(0, maxPictures)) {
    const picture = await knowledge.picture({ sha256, userId: request.userId }, maxEdge, signal)
    if (!picture || tokens + picture.tokens > contextTokens * maxShare) continue
    tokens += picture.tokens
    given += 1
    byMessage.set(messageId, [...(byMessage.get(messageId) ?? []), picture.image])
  }
  const isIncomplete = (byMessage.get(question.id)?.length ?? 0) < asked
  return {
    byMessage,
    tokens,
    details: { images: given, ...(isIncomplete && { images_left_out: 'no_room' }) },
  }
}

const maxEdgeFor = (contextTokens: number) => (contextTokens < edges.smallWindow ? edges.small : edges.usual)

export type PromptPages = { pages: NonNullable<ChatMessage['pages']>; tokens: number }

/**
 * Gathers pictures of the pages of PDFs that passages come from, best first, if their text was recognized or is short
 * and they have figures, for a model with vision that may receive pictures.
 */
export async function gatherPages(
  knowledge: Pick<Knowledge, 'picture' | 'pagesForImages'>,
  request: {
    passages: CitedPassage[]
    layer: Layer
    userId: string
    model: ChatModel
    contextTokens: number
    imagesTo: string | undefined
  },
  signal: AbortSignal,
): Promise<PromptPages> {
  const { passages, layer, userId, model, contextTokens, imagesTo } = request
  const gathered: PromptPages = { pages: [], tokens: 0 }
  if (!model.capabilities.includes('vision') || (model.remote && imagesTo !== model.provider)) return gathered
  const places = passages.flatMap(({ document_id: documentId, page }) =>
    page === null ? [] : [{ documentId, page }],
  )
  const toSee = new Map(
    (await knowledge.pagesForImages(places, layersWithin(layer))).map((each) => [
      `${each.documentId} ${each.page}`,
      each,
    ]),
  )
  for (const { n, document_id, page } of passages) {
    if (gathered.pages.length >= maxPages) break
    const key = `${document_id} ${page}`
    const source = toSee.get(key)
    // Each page once.
    if (!source || !toSee.delete(key)) continue
    const { sha256, isRecognized } = source
    const picture = await knowledge.picture(
      { sha256, userId, page: { page: source.page, onlyGraphical: !isRecognized } },
      maxEdgeFor(contextTokens),
      signal,
    )
    if (!picture || gathered.tokens + picture.tokens > contextTokens * maxPagesShare) continue
    gathered.tokens += picture.tokens
    gathered.pages.push({ image: picture.image, caption: `shows the page of passage [${n}].` })
  }
  return gathered
}
