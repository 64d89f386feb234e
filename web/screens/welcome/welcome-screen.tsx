import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowRight, Check } from 'lucide-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import { getAvee } from '../../../contract/avees.ts'
import { getStatus } from '../../../contract/localchat.ts'
import { keys } from '../../api/index.ts'
import { useApi, useIsAdmin } from '../../api/react.tsx'
import { DropZone } from '../../documents/file-drop.tsx'
import { useUploadQueue } from '../../documents/upload-queue-context.tsx'
import { rich, t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { ErrorState, Loaded, Skeleton } from '../../ui/state.tsx'
import './welcome-screen.css'

/** First steps: a model, a document, a question. Each step shows the current state of the server. */
export function WelcomeScreen() {
  const api = useApi()
  const status = useQuery({
    queryKey: keys.status,
    queryFn: () => api.call(getStatus),
    refetchInterval: 5_000,
  })
  const library = useQuery({
    queryKey: keys.avee('local'),
    queryFn: () => api.call(getAvee, { params: { id: 'local' } }),
  })
  const documents = status.data?.document_count ?? 0
  const isAdmin = useIsAdmin()
  const isExtractive = status.data?.provider === 'extractive'

  return (
    <Page
      title={t('Welcome')}
      intro={t(
        'Gabee answers from your documents and cites the pages it uses. Your data stays on this machine unless you choose a remote model.',
      )}
    >
      <div className="steps">
        <Step n={1} isDone={status.data !== undefined && !isExtractive} title={t('Choose a model')}>
          <Loaded query={status} height="5.9rem">
            {(data) =>
              isExtractive ? (
                <>
                  <p>
                    {t(
                      'No language model is set up yet. Without one, answers quote passages from your documents.',
                    )}{' '}
                    {isAdmin
                      ? t('Add a model to get written answers.')
                      : t('Ask an administrator to add one.')}
                  </p>
                  {isAdmin && (
                    <div>
                      <ButtonLink href="/model" icon={ArrowRight}>
                        {t('Add model')}
                      </ButtonLink>
                    </div>
                  )}
                </>
              ) : (
                <>
                  <p>
                    {rich('Active model: <b>{name}</b>', {
                      name: data.active_model,
                      b: (name) => <strong>{name}</strong>,
                    })}{' '}
                    <bdi className="soft">{data.model_reason}</bdi>
                  </p>
                  {isAdmin && (
                    <div>
                      <ButtonLink href="/model" small>
                        {t('Change model')}
                      </ButtonLink>
                    </div>
                  )}
                </>
              )
            }
          </Loaded>
        </Step>
        <Step n={2} isDone={documents > 0} title={t('Add documents')}>
          {documents > 0 && (
            <p>
              {t('{count, plural, one {# document} other {# documents}} in your library.', {
                count: documents,
              })}
            </p>
          )}
          {library.isPending && <Skeleton height="11.5rem" />}
          {library.data && <LibraryDrop aveeId={library.data.id} />}
          {library.isError && !library.data && (
            <ErrorState error={library.error} onRetry={() => void library.refetch()} />
          )}
        </Step>
        <Step n={3} isDone={false} title={t('Ask a question')}>
          <FirstQuestion hasDocuments={documents > 0} />
        </Step>
      </div>
    </Page>
  )
}

function Step({
  n,
  title,
  isDone,
  children,
}: {
  n: number
  title: string
  isDone: boolean
  children: ReactNode
}) {
  return (
    <section className={classNames('step', isDone && 'step-done')}>
      <span className="step-number" aria-hidden>
        {isDone ? <Check size={16} /> : n}
      </span>
      <div className="step-body">
        <h2>
          {title}
          {isDone && <span className="visually-hidden">{t('(done)')}</span>}
        </h2>
        {children}
      </div>
    </section>
  )
}

function LibraryDrop({ aveeId }: { aveeId: string }) {
  const uploads = useUploadQueue()
  const queries = useQueryClient()
  return (
    <>
      <DropZone
        onFiles={(files) => {
          uploads.addFiles(aveeId, files, 'intimate')
          void queries.invalidateQueries({ queryKey: keys.status })
        }}
      />
    </>
  )
}

function FirstQuestion({ hasDocuments }: { hasDocuments: boolean }) {
  const [question, setQuestion] = useState('')
  const [, navigate] = useLocation()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (question.trim()) navigate('/chat/local', { state: { ask: question.trim() } })
  }
  return (
    <form className="first-question" onSubmit={submit}>
      <input
        className="input"
        aria-label={t('Question')}
        placeholder={
          hasDocuments ? t('What would you like to know?') : t('Add a document, then ask about it')
        }
        value={question}
        onChange={(event) => setQuestion(event.target.value)}
      />
      <Button variant="primary" type="submit" disabled={!question.trim()}>
        {t('Ask')}
      </Button>
    </form>
  )
}
