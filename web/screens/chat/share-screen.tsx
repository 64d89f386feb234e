import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { getShare, type SharedConversation } from '../../../contract/shares.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { useTitle } from '../../shell/page.tsx'
import { formatTime } from '../../ui/format.ts'
import { Markdown, type References } from '../../ui/markdown/markdown.tsx'
import { Avatar, ErrorState, Skeleton } from '../../ui/state.tsx'
import { QuestionBubble } from './question.tsx'
import { Sources } from './sources.tsx'
import './share-screen.css'

/** /s/{token}: a shared conversation, to read without an account. */
export function ShareScreen({ token }: { token: string }) {
  const api = useApi()
  const share = useQuery({
    queryKey: keys.share(token),
    queryFn: () => api.call(getShare, { params: { id: token } }),
    retry: false,
  })
  useTitle(share.data?.title ?? t('Shared conversation'))
  if (share.isError) {
    return (
      <main className="whole-page">
        <ErrorState error={share.error} />
      </main>
    )
  }
  if (!share.data) {
    return (
      <main className="share" aria-busy>
        <Skeleton width="60%" height="2rem" />
      </main>
    )
  }
  const { title, messages, created_at, avee_display_name, avee_avatar } = share.data
  const name = avee_display_name ?? 'Gabee'
  return (
    <main className="share">
      <header className="share-head">
        <a href="/" className="brand">
          <img src="/favicon.svg" alt="" />
          Gabee
        </a>
        <h1 dir="auto">{title ?? t('Shared conversation')}</h1>
        <p className="soft small">
          {avee_display_name
            ? t('A conversation with {name}, shared {time}', {
                name: avee_display_name,
                time: formatTime(created_at),
              })
            : t('shared {time}', { time: formatTime(created_at) })}
        </p>
      </header>
      {messages.map((message) =>
        message.role === 'user' ? (
          <article key={message.id} className="share-question" aria-label={t('Question')}>
            <QuestionBubble text={message.content} />
          </article>
        ) : (
          <article key={message.id} className="share-answer" aria-label={t('Answer from {name}', { name })}>
            <div className="answer-head">
              <Avatar name={name} picture={avee_avatar} size={26} />
              <h2>{name}</h2>
            </div>
            <SharedAnswer message={message} />
          </article>
        ),
      )}
    </main>
  )
}

function SharedAnswer({ message }: { message: SharedConversation['messages'][number] }) {
  const { content, citations } = message
  const [open, setOpen] = useState<number>()
  const references = useMemo<References>(() => {
    const find = (n: number) => citations.find((citation) => citation.n === n)
    return {
      isKnown: (n) => find(n) !== undefined,
      titleOf: (n) => {
        const found = find(n)
        return found?.status === 'available' ? found.title : undefined
      },
      openerOf: (n) => (find(n)?.status === 'available' ? () => setOpen(n) : undefined),
    }
  }, [citations])
  const shown = citations.find((citation) => citation.n === open)
  return (
    <>
      <Markdown text={content} references={references} />
      <Sources citations={citations} onOpen={(n) => setOpen(n === open ? undefined : n)} />
      {shown?.status === 'available' && (
        <figure className="share-source">
          <blockquote dir="auto">{shown.text}</blockquote>
          <figcaption>
            {shown.n} · {shown.title}
          </figcaption>
        </figure>
      )}
    </>
  )
}
