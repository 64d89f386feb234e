import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn, Download, Ellipsis, FileJson, SquarePen } from 'lucide-react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { type Avee, getAvee } from '../../../contract/avees.ts'
import { type Citation, exportConversation, getConversation } from '../../../contract/chat.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { DropOverlay, useFileDrop, useFilePicker } from '../../documents/file-drop.tsx'
import { isInProgress } from '../../documents/upload-queue.ts'
import { useUploadQueue } from '../../documents/upload-queue-context.tsx'
import { TopBar, useTitle } from '../../shell/page.tsx'
import { ButtonLink, IconButton } from '../../ui/button.tsx'
import { Menu, MenuItem } from '../../ui/menu.tsx'
import { Avatar, EmptyState, ErrorState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import './chat.css'
import { CitationPanel, type OpenCitation } from './citation-panel.tsx'
import { Composer } from './composer.tsx'
import { InsightPanel } from './insight-panel.tsx'
import { clearDraft, useDraft } from './use-draft.ts'
import './insight-parts.css'
import type { MessageActions } from './message-actions.ts'
import { SharingNotice } from './sharing-notice.tsx'
import { ThreadView } from './thread.tsx'
import { useThread } from './use-thread.ts'

/** /chat/{handle} and /chat/{handle}/{conversation_id}: one conversation with one avee. */
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
    const isAway = avee.error instanceof ApiError && avee.error.status === 404
    return (
      <>
        <TopBar title="Chat" />
        {!isAway && <ErrorState error={avee.error} onRetry={() => void avee.refetch()} />}
        {isAway && (
          <EmptyState
            title="This avee is not here"
            actions={
              <>
                <ButtonLink href="/avee">Find an avee</ButtonLink>
                <ButtonLink href="/chat/local">Ask your library</ButtonLink>
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
  const tell = useToast()
  const uploads = useUploadQueue()
  const [, navigate] = useLocation()
  const newPlace = `new ${avee.handle}`
  const place = conversationId ?? newPlace
  const { draft, change: setDraft, sent } = useDraft(place)
  const [open, setOpen] = useState<OpenCitation>()
  const [hasInsight, setHasInsight] = useState(false)
  const box = useRef<HTMLTextAreaElement>(null)

  const conversation = useQuery({
    queryKey: keys.conversation(conversationId ?? ''),
    queryFn: () => api.call(getConversation, { params: { id: conversationId ?? '' } }),
    enabled: conversationId !== undefined,
  })
  const title = conversation.data?.title ?? undefined
  useTitle(title ?? avee.display_name)

  const thread = useThread({
    handle: avee.handle,
    conversationId,
    onOpened: (opened) => navigate(`/chat/${avee.handle}/${opened.id}`, { replace: true }),
    beforeAsking: () => {
      const isReading = uploads
        .getSnapshot()
        .some((upload) => upload.aveeId === avee.id && isInProgress(upload))
      return isReading ? uploads.whenIdle(avee.id) : undefined
    },
    onAccepted: (id, turn) => {
      if (turn.kind === 'ask') for (const asked of [newPlace, id]) clearDraft(asked, turn.question)
      uploads.dismissReady(avee.id)
    },
  })
  const { send, refresh, showBranch } = thread

  const ask = useCallback(
    (question: string) => {
      sent()
      send({ kind: 'ask', question: question.trim() })
    },
    [send, sent],
  )

  // A question that another screen sends along with the way here.
  useAskedElsewhere(ask)
  useEffect(() => {
    setOpen(undefined)
    setHasInsight(false)
  }, [place])
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) box.current?.focus()
  }, [place])

  const latest = useRef({ send, showBranch, tell })
  useEffect(() => {
    latest.current = { send, showBranch, tell }
  })
  const actions = useMemo<MessageActions>(
    () => ({
      edit: (messageId, question) => latest.current.send({ kind: 'edit', messageId, question }),
      regenerate: (messageId, model) =>
        latest.current.send({ kind: 'regenerate', messageId, ...(model ? { model } : {}) }),
      continueAnswer: () =>
        latest.current.send({ kind: 'ask', question: 'Please continue where you stopped.' }),
      ask: (question) => latest.current.send({ kind: 'ask', question }),
      showBranch: (messageId) => {
        latest.current
          .showBranch(messageId)
          .catch((error: unknown) => latest.current.tell(errorMessage(error), 'bad'))
      },
      openCitation: (citations: Citation[], n: number, answer: string) => {
        setHasInsight(false)
        setOpen({ citations, n, answer })
      },
      onEnded: refresh,
    }),
    [refresh],
  )

  const takeFiles = avee.is_owner
    ? (files: File[]) => uploads.addFiles(avee.id, files, 'intimate')
    : undefined
  const isOver = useFileDrop(takeFiles)
  const picker = useFilePicker((files) => takeFiles?.(files))

  if (conversation.isError && !conversation.data) {
    return (
      <>
        <TopBar title={<ChatTitle avee={avee} title={undefined} />} />
        <ErrorState error={conversation.error} onRetry={() => void conversation.refetch()} />
      </>
    )
  }
  return (
    <div className="chat">
      <div className="chat-main">
        <TopBar title={<ChatTitle avee={avee} title={title} isLoading={conversation.isLoading} />}>
          <IconButton label="New chat" icon={SquarePen} onClick={() => navigate(`/chat/${avee.handle}`)} />
          {conversationId && (
            <Menu trigger={<IconButton label="More" icon={Ellipsis} hint={false} />}>
              <MenuItem
                icon={ChartNoAxesColumn}
                onSelect={() => {
                  setOpen(undefined)
                  setHasInsight(true)
                }}
              >
                Insight
              </MenuItem>
              <MenuItem
                icon={Download}
                href={api.url(exportConversation, {
                  params: { id: conversationId },
                  query: { format: 'markdown' },
                })}
              >
                Save as Markdown
              </MenuItem>
              <MenuItem
                icon={FileJson}
                href={api.url(exportConversation, {
                  params: { id: conversationId },
                  query: { format: 'json' },
                })}
              >
                Save as JSON
              </MenuItem>
            </Menu>
          )}
        </TopBar>
        <ThreadView
          thread={thread}
          avee={avee}
          place={place}
          actions={actions}
          empty={<Greeting avee={avee} />}
          onEditRefused={(question) => {
            setDraft(question)
            thread.dismissPending()
            box.current?.focus()
          }}
        />
        <SharingNotice avee={avee} />
        <Composer
          ref={box}
          name={avee.is_library ? 'your library' : avee.display_name}
          value={draft}
          onChange={setDraft}
          onAsk={() => !thread.isBusy && ask(draft)}
          onStop={
            thread.runningRun
              ? () => {
                  box.current?.focus()
                  thread.stop().catch((error: unknown) => tell(errorMessage(error), 'bad'))
                }
              : undefined
          }
          onAttach={takeFiles && picker.open}
          uploadsOf={avee.is_owner ? avee.id : undefined}
        />
        {picker.input}
        {isOver && <DropOverlay text={`Add to ${avee.is_library ? 'your library' : avee.display_name}`} />}
      </div>
      {open && <CitationPanel open={open} onChange={setOpen} />}
      {hasInsight && conversationId && (
        <InsightPanel
          conversationId={conversationId}
          messages={thread.messages.length}
          onClose={() => setHasInsight(false)}
        />
      )}
    </div>
  )
}

function ChatTitle({
  avee,
  title,
  isLoading,
}: {
  avee: Avee
  title: string | undefined
  isLoading?: boolean
}) {
  const name = avee.is_library ? 'Your library' : avee.display_name
  return (
    <>
      <Avatar name={avee.display_name} picture={avee.avatar} size={28} />
      <div className="chat-title">
        <h1 className="truncate">{isLoading ? <Skeleton width="12rem" /> : (title ?? name)}</h1>
        {(title || isLoading) && <p className="truncate">{name}</p>}
      </div>
    </>
  )
}

/** What an avee says before the first question. */
function Greeting({ avee }: { avee: Avee }) {
  return (
    <div className="greeting">
      <Avatar name={avee.display_name} picture={avee.avatar} size={64} />
      <h2>{avee.is_library ? 'Ask your library' : avee.display_name}</h2>
      {avee.bio && !avee.is_library && <p className="soft">{avee.bio}</p>}
      <p className={avee.greeting ? 'greeting-words' : 'soft'}>
        {avee.greeting ||
          (avee.is_library
            ? 'Answers come from your documents and name the page they rest on. Drop a document here to add it.'
            : `Begin a conversation with ${avee.display_name}.`)}
      </p>
    </div>
  )
}

/** Asks the question that `navigate('/chat/…', { state: { ask } })` brought, once. */
function useAskedElsewhere(ask: (question: string) => void): void {
  const first = useRef(ask)
  useEffect(() => {
    const state: unknown = history.state
    const question = (state as { ask?: unknown } | null)?.ask
    if (typeof question !== 'string') return
    history.replaceState(null, '')
    first.current(question)
  }, [])
}
