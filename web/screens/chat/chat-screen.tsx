import { skipToken, useQuery } from '@tanstack/react-query'
import { Suspense, useCallback, useEffect, useEffectEvent, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { type Attachment, isPicture, maxQuestionAttachments } from '../../../contract/attachments.ts'
import { type Avee, getAvee } from '../../../contract/avees.ts'
import { getConversation } from '../../../contract/conversations.ts'
import type { Document } from '../../../contract/knowledge.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi, useIsVisitor } from '../../api/react.tsx'
import { DropOverlay, useDocumentPicker, useFileDrop } from '../../documents/file-drop.tsx'
import { documentOf, isInProgress, type Upload } from '../../documents/upload-queue.ts'
import { useUploadQueue, useUploads } from '../../documents/upload-queue-context.tsx'
import { t } from '../../languages/index.ts'
import { TopBar, useTitle } from '../../shell/page.tsx'
import { onDemand, ScreenBoundary } from '../../shell/screen-boundary.tsx'
import { markRepliesSeen } from '../../shell/seen-replies.ts'
import { setUnsentConversation, unsentConversation } from '../../shell/unsent-conversation.ts'
import { ButtonLink } from '../../ui/button.tsx'
import { saveLocally } from '../../ui/local-storage.ts'
import { EmptyState, ErrorState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { ChatTopBar } from './chat-top-bar.tsx'
import type { OpenCitation } from './citation-panel.tsx'
import { Composer } from './composer.tsx'
import { Greeting, knowsAvees } from './greeting.tsx'
import { useMessageActions } from './message-actions.ts'
import { ModelPicker, useChosenModel } from './model-picker.tsx'
import { useModelWithoutPictures } from './picture-permission.ts'
import { SharingNotice } from './sharing-notice.tsx'
import { loadMessageList, ThreadView } from './thread.tsx'
import { clearDraft, moveDraft, useDraft } from './use-draft.ts'
import { useThread } from './use-thread.ts'
import { useUnsentConversation, useUnsentFiles } from './use-unsent-files.ts'
import './chat-screen.css'

/** An empty chat is loaded without the message list. */
const preloadDelayMs = 1_000

const CitationPanel = onDemand(async () => (await import('./citation-panel.tsx')).CitationPanel)
const DropDialog = onDemand(async () => (await import('./drop-dialog.tsx')).DropDialog)
const InsightPanel = onDemand(async () => (await import('./insight-panel.tsx')).InsightPanel)

/** /chat/{handle} and /chat/{handle}/{conversation_id}: a conversation with an avee. */
export function ChatScreen({
  handle,
  conversationId,
}: {
  handle: string
  conversationId: string | undefined
}) {
  const api = useApi()
  const avee = useQuery({
    queryKey: keys.avee(handle),
    queryFn: () => api.call(getAvee, { params: { id: handle } }),
    staleTime: 60_000,
  })
  if (avee.isError && !avee.data) {
    const isNotFound = avee.error instanceof ApiError && avee.error.status === 404
    return (
      <>
        <TopBar title={t('Chat')} />
        {!isNotFound && <ErrorState error={avee.error} onRetry={() => void avee.refetch()} />}
        {isNotFound && (
          <EmptyState
            title={t('Avee not found')}
            actions={
              <>
                <ButtonLink href="/avee">{t('Browse avees')}</ButtonLink>
                <ButtonLink href="/chat/local">{t('Ask your library')}</ButtonLink>
              </>
            }
          >
            {errorMessage(avee.error)}
          </EmptyState>
        )}
      </>
    )
  }
  if (!avee.data) {
    return (
      <TopBar
        title={
          <>
            <Skeleton width="1.75rem" height="1.75rem" round />
            <Skeleton width="10rem" />
          </>
        }
      />
    )
  }
  return <Conversation avee={avee.data} conversationId={conversationId} />
}

function Conversation({ avee, conversationId }: { avee: Avee; conversationId: string | undefined }) {
  const api = useApi()
  const showToast = useToast()
  const uploads = useUploadQueue()
  const [, navigate] = useLocation()
  const isVisitor = useIsVisitor()
  const newChatKey = `new ${avee.handle}`
  const chatKey = conversationId ?? newChatKey
  const { draft, setDraft, clearInput } = useDraft(chatKey)
  const [model, setModel] = useChosenModel(avee)
  const [openCitation, setOpenCitation] = useState<OpenCitation>()
  const [isInsightOpen, setIsInsightOpen] = useState(false)
  const [isSearching, setIsSearching] = useState(false)
  const input = useRef<HTMLTextAreaElement>(null)

  const conversation = useQuery({
    queryKey: keys.conversation(conversationId ?? ''),
    queryFn:
      conversationId === undefined
        ? skipToken
        : () => api.call(getConversation, { params: { id: conversationId } }),
  })
  const title = conversation.data?.title ?? undefined
  useTitle(title ?? avee.display_name)
  useEffect(() => {
    if (conversation.data) markRepliesSeen(conversation.data)
  }, [conversation.data])

  const unsent = useUnsentFiles(conversationId)
  const isDeleted = conversation.error instanceof ApiError && conversation.error.status === 404
  useUnsentConversation(avee.handle, conversationId, isDeleted)

  const thread = useThread({
    handle: avee.handle,
    model,
    conversationId,
    onCreated: (created) => navigate(`/chat/${avee.handle}/${created.id}`, { replace: true }),
    waitForDocuments: (id) => {
      const places = [avee.id, id].filter((place) => place !== undefined)
      const isUploading = uploads
        .getSnapshot()
        .some((upload) => places.includes(upload.aveeId ?? '') && isInProgress(upload))
      return isUploading ? Promise.all(places.map(uploads.whenIdle)).then(() => undefined) : undefined
    },
    attachmentsOf: (id) => {
      const files = id === conversationId ? unsent.files.map(toAttachment) : []
      return [...attachmentsIn(uploads.getSnapshot(), id), ...files].slice(0, maxQuestionAttachments)
    },
    onQueued: (id, question) => {
      for (const key of [newChatKey, id ?? newChatKey]) clearDraft(key, question)
    },
    onAccepted: (id, turn) => {
      if (turn.kind === 'ask') {
        for (const key of [newChatKey, id]) clearDraft(key, turn.question)
        unsent.drop(id)
        if (unsentConversation(avee.handle) === id) setUnsentConversation(avee.handle, undefined)
      }
      uploads.dismissReady(avee.id)
      uploads.dismissReady(id)
      if (!avee.is_library) saveLocally(knowsAvees, 'yes')
    },
  })
  const { send } = thread

  const ask = useCallback(
    (question: string) => {
      clearInput()
      send({ kind: 'ask', question: question.trim() })
    },
    [send, clearInput],
  )

  useQuestionFromNavigation(ask)
  const hasDraft = draft !== ''
  useEffect(() => {
    // Loads the module early, in case the connection is lost before the answer. The error of a failed load is shown
    // with the answer.
    const load = (): void => void loadMessageList().catch(() => undefined)
    const timer = setTimeout(load, hasDraft ? 0 : preloadDelayMs)
    return () => clearTimeout(timer)
  }, [hasDraft])
  useEffect(() => {
    setOpenCitation(undefined)
    setIsInsightOpen(false)
    setIsSearching(false)
  }, [chatKey])
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) input.current?.focus()
  }, [chatKey])

  const actions = useMessageActions(thread, (citations, n, answer) => {
    setIsInsightOpen(false)
    const available = citations.filter((citation) => citation.status === 'available')
    setOpenCitation({ citations: available, n, answer })
  })

  const addFiles = avee.is_owner ? (files: File[]) => uploads.addFiles(avee.id, files, 'intimate') : undefined
  const attached = [...attachmentsIn(useUploads(), conversationId), ...unsent.files]
  const hasPictures = attached.some(({ type }) => isPicture(type))
  const modelWithoutPictures = useModelWithoutPictures(avee, model, hasPictures)
  const attach = (files: File[]): void => {
    thread
      .open((id) => {
        moveDraft(newChatKey, id)
        setUnsentConversation(avee.handle, id)
      })
      .then((id) => uploads.attachFiles(id, files))
      .catch((error: unknown) => showToast(errorMessage(error), 'bad'))
  }
  const [dropped, setDropped] = useState<File[]>()
  const isDragging = useFileDrop(isVisitor ? undefined : addFiles ? setDropped : attach)
  const picker = useDocumentPicker((files) => addFiles?.(files))
  const attachmentPicker = useDocumentPicker(attach)

  const topBar = (
    <ChatTopBar
      avee={avee}
      title={title}
      isLoading={conversation.isLoading}
      conversationId={conversation.isError && !conversation.data ? undefined : conversationId}
      onSearch={() => setIsSearching(true)}
      onInsight={() => {
        setOpenCitation(undefined)
        setIsInsightOpen(true)
      }}
    />
  )
  if (conversation.isError && !conversation.data) {
    return (
      <>
        {topBar}
        <ErrorState error={conversation.error} onRetry={() => void conversation.refetch()} />
      </>
    )
  }
  return (
    <div className="chat">
      <div className="chat-main">
        {topBar}
        <ThreadView
          thread={thread}
          avee={avee}
          chatKey={chatKey}
          isSearching={isSearching}
          onSearch={setIsSearching}
          actions={actions}
          empty={<Greeting avee={avee} onAsk={ask} />}
          onEditRefused={(question) => {
            setDraft(question)
            thread.dismissPending()
            input.current?.focus()
          }}
        />
        {!isVisitor && <SharingNotice avee={avee} />}
        <Composer
          ref={input}
          label={avee.is_library ? t('Ask your library') : t('Ask {name}', { name: avee.display_name })}
          value={draft}
          onChange={setDraft}
          onAsk={() => !thread.isBusy && ask(draft)}
          onStop={
            thread.runningRun
              ? () => {
                  input.current?.focus()
                  thread.stop().catch((error: unknown) => showToast(errorMessage(error), 'bad'))
                }
              : undefined
          }
          onAttach={isVisitor ? undefined : attach}
          onPickFiles={attachmentPicker.open}
          documentPicker={
            addFiles && {
              label: avee.is_library
                ? t('Add to your library')
                : t('Add to {name}', { name: avee.display_name }),
              open: picker.open,
            }
          }
          tools={<ModelPicker avee={avee} value={model} onChange={setModel} />}
          note={
            modelWithoutPictures &&
            t('{model} does not accept pictures. It receives the text recognized in them, if any.', {
              model: modelWithoutPictures,
            })
          }
          uploadsOf={[avee.is_owner ? avee.id : undefined, conversationId]}
          unsentFiles={unsent.files}
          onRemoved={(documentId) =>
            conversationId && unsent.drop(conversationId, ({ id }) => id === documentId)
          }
        />
        {picker.input}
        {attachmentPicker.input}
        {isDragging && <DropOverlay text={t('Add files')} />}
      </div>
      <ScreenBoundary>
        <Suspense>
          {dropped && addFiles && (
            <DropDialog
              avee={avee}
              count={dropped.length}
              onAttach={() => attach(dropped)}
              onAddToAvee={() => addFiles(dropped)}
              onClose={() => setDropped(undefined)}
            />
          )}
          {openCitation && <CitationPanel open={openCitation} onChange={setOpenCitation} />}
          {isInsightOpen && conversationId && (
            <InsightPanel
              conversationId={conversationId}
              messageCount={thread.count}
              onClose={() => setIsInsightOpen(false)}
            />
          )}
        </Suspense>
      </ScreenBoundary>
    </div>
  )
}

/** Returns the uploaded attachments of the next question. */
const attachmentsIn = (uploads: readonly Upload[], conversationId: string | undefined): Attachment[] =>
  uploads.flatMap((upload) => {
    const id = documentOf(upload)
    if (upload.aveeId !== conversationId || upload.phase !== 'done' || id === undefined) return []
    const type = /\w+$/.exec(upload.name.toLowerCase())?.[0] ?? ''
    return [{ id, name: upload.name, type, bytes: 0 }]
  })

const toAttachment = ({ id, filename, title, type, bytes }: Document): Attachment => ({
  id,
  name: filename ?? title,
  type,
  bytes,
})

/** Asks once the question passed by another screen with `navigate('/chat/…', { state: { ask } })`. */
function useQuestionFromNavigation(ask: (question: string) => void): void {
  const onQuestion = useEffectEvent(ask)
  useEffect(() => {
    const state: unknown = history.state
    const question = (state as { ask?: unknown } | null)?.ask
    if (typeof question !== 'string') return
    history.replaceState(null, '')
    onQuestion(question)
  }, [])
}
