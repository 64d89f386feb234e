import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { AnswerHead, Waiting } from './answer.tsx'
import { askedProvider } from './picture-permission.ts'
import { QuestionBubble } from './question.tsx'
import { QuestionFiles } from './question-files.tsx'
import type { PendingTurn } from './turns.ts'
import type { Thread } from './use-thread.ts'

/** A turn that is being sent to the server, or that the server refused. */
export function PendingTurnView({
  pending,
  avee,
  thread,
  onEdit,
}: {
  pending: PendingTurn
  avee: Avee
  thread: Thread
  onEdit: (question: string) => void
}) {
  const { turn, phase, error, attachments } = pending
  const provider = askedProvider(error)
  return (
    <>
      {turn.kind !== 'regenerate' && (
        <article className="question-row" aria-label={t('Your question')}>
          <QuestionFiles files={attachments} />
          <QuestionBubble text={turn.question} />
        </article>
      )}
      {phase === 'queued' ? (
        turn.kind === 'ask' && (
          <div className="queued-turn" role="status">
            <p>{t('Not sent yet. It is sent as soon as the server can be reached.')}</p>
            <Button small variant="quiet" onClick={() => onEdit(turn.question)}>
              {t('Withdraw')}
            </Button>
          </div>
        )
      ) : phase === 'refused' && provider !== undefined ? (
        <RefusedTurn
          message={t('Send the pictures to {provider}?', { provider })}
          detail={t('{provider} is outside your network.', { provider })}
          actions={
            <>
              <Button small onClick={() => thread.send({ ...turn, imagesTo: provider })}>
                {t('Send to {provider}', { provider })}
              </Button>
              <Button small onClick={() => thread.send({ ...turn, imagesTo: '' })}>
                {t('Ask without the pictures')}
              </Button>
              <Button
                small
                variant="quiet"
                onClick={() => (turn.kind === 'regenerate' ? thread.dismissPending() : onEdit(turn.question))}
              >
                {t('Cancel')}
              </Button>
            </>
          }
        />
      ) : phase === 'refused' ? (
        <RefusedTurn
          message={error?.message ?? t('The question could not be sent.')}
          actions={
            <>
              <Button small onClick={() => thread.send(turn)}>
                {t('Try again')}
              </Button>
              {turn.kind === 'regenerate' ? (
                <Button small variant="quiet" onClick={thread.dismissPending}>
                  {t('Dismiss')}
                </Button>
              ) : (
                <Button small variant="quiet" onClick={() => onEdit(turn.question)}>
                  {t('Edit')}
                </Button>
              )}
            </>
          }
        />
      ) : (
        <article className="answer" aria-busy>
          <AnswerHead avee={avee} />
          <div className="answer-body">
            <Waiting
              {...(phase === 'waiting-for-documents' ? { message: t('Processing your documents…') } : {})}
            />
          </div>
        </article>
      )}
    </>
  )
}

/** The error of a turn that the server refused, with its actions. */
function RefusedTurn({ message, detail, actions }: { message: string; detail?: string; actions: ReactNode }) {
  return (
    <div className="refused-turn" role="alert">
      <p>
        <CircleAlert size={16} aria-hidden />
        {message}
      </p>
      {detail && <p>{detail}</p>}
      <div className="notice-actions">{actions}</div>
    </div>
  )
}
