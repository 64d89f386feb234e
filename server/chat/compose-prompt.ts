import { randomBytes } from 'node:crypto'
import type { Layer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { AnswerDetails, CitedPassage } from '../../contract/messages.ts'
import type { Avee } from '../avees/index.ts'
import type { ChatMessage, ChatModel, Models } from '../models/index.ts'
import type { Tools } from '../tools/index.ts'
import type { ContextDependencies, TurnContext } from './context.ts'
import { promptTooLong } from './errors.ts'
import { gatherPages, gatherPictures } from './pictures.ts'
import { buildPrompt } from './prompt.ts'
import type { MessageRow } from './store/messages.ts'
import { type OfferedTools, offerTools } from './tool-rounds.ts'

export type PromptDependencies = ContextDependencies & { models: Models; tools: Tools }

export type PromptRequest = {
  avee: Avee
  layer: Layer
  question: Pick<MessageRow, 'id' | 'content' | 'created_at'> & Partial<Pick<MessageRow, 'attachments'>>
  askerId: string
  /** Undefined for a question outside a conversation. */
  conversationId: string | undefined
  instructions: string | undefined
  gathered: TurnContext
  /** The numbers of citations that tools of earlier attempts found; they are not passages of the prompt. */
  toolNumbers: Set<number>
  model: ChatModel
  isLocalOnly: boolean
  useDocuments: boolean
  imagesTo: string | undefined
}

export type ComposedPrompt = {
  messages: ChatMessage[]
  /** The passages in the prompt, and what tools of earlier attempts have found. */
  citations: CitedPassage[]
  memories: UsedMemory[]
  offered: OfferedTools | undefined
  /** A random word in the passage tags of this prompt. */
  fence: string
  /** The number of pictures of pages. */
  pages: number
  details: Pick<AnswerDetails, 'images' | 'images_left_out'>
}

/**
 * Composes the prompt of a turn: pictures that the model may see, tools that it may call, and as much of the context as
 * fits. @throws promptTooLong if the question and the persona do not fit
 */
export async function composePrompt(
  { database, knowledge, models, tools }: PromptDependencies,
  request: PromptRequest,
  signal: AbortSignal,
): Promise<ComposedPrompt> {
  const { avee, layer, question, askerId, conversationId, gathered, toolNumbers, model, imagesTo } = request
  const { useDocuments } = request
  const count = (text: string) => models.countTokens(text, model.name)
  const contextTokens = await model.contextTokens(signal)
  const passages = gathered.citations.filter(({ n }) => !toolNumbers.has(n))
  const pictures =
    conversationId !== undefined && gathered.attachments
      ? await gatherPictures(
          { db: database.db, knowledge },
          {
            conversationId,
            userId: askerId,
            question,
            history: gathered.history,
            model,
            contextTokens,
            imagesTo,
          },
          signal,
        )
      : undefined
  const { pages, tokens: pageTokens } = await gatherPages(
    knowledge,
    { passages, layer, userId: askerId, model, contextTokens, imagesTo },
    signal,
  )
  const allowsExternal = !request.isLocalOnly && !gathered.hasLocalOnly
  const usable = tools
    .ofAvee(avee, gathered.customTools)
    .filter(
      ({ scope }) => (scope !== 'documents' || useDocuments) && (scope !== 'external' || allowsExternal),
    )
  const offered = offerTools(usable, model, { contextTokens, count })
  const fence = randomBytes(4).toString('hex')
  const prompt = buildPrompt(
    {
      ...gathered,
      history: gathered.history.map((each) => {
        const images = pictures?.byMessage.get(each.id ?? '')
        return images ? { ...each, images } : each
      }),
      images: pictures?.byMessage.get(question.id) ?? [],
      imageTokens: (pictures?.tokens ?? 0) + pageTokens,
      pages,
      avee,
      layer,
      isOwner: avee.ownerId === askerId,
      passages,
      memories: gathered.memories.map(({ line }) => line),
      instructions: request.instructions,
      searched: useDocuments,
      hasTools: offered !== undefined,
      fence,
      question: question.content,
      askedAt: question.created_at,
    },
    { contextTokens: offered?.windowTokens ?? contextTokens, count },
  )
  if (!prompt) throw promptTooLong(model.name)
  return {
    messages: prompt.messages,
    citations: gathered.citations.filter(({ n }) => prompt.usedPassages.includes(n) || toolNumbers.has(n)),
    memories: gathered.memories.flatMap(({ line, ...memory }) =>
      prompt.usedMemories.includes(line) ? [memory] : [],
    ),
    offered,
    fence,
    pages: pages.length,
    details: pictures?.details ?? {},
  }
}
