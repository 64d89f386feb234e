import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import {
  answerQuestion,
  dismissQuestion,
  listQuestions,
  type QuestionState,
  type UnansweredQuestion,
} from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import type { Layer } from '../../../contract/layers.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { layerLabels, layerOptions } from '../../documents/layers.ts'
import { type Message, message, rich, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SelectField, SmallSelect, TextArea, TextField } from '../../ui/field.tsx'
import { Badge, EmptyState, ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'
import { formatDay } from './days.ts'
import './questions.css'
import './insight-form.css'

const stateOptions: { value: QuestionState; title: Message }[] = [
  { value: 'open', title: message('Open') },
  { value: 'answered', title: message('Answered') },
  { value: 'dismissed', title: message('Dismissed') },
]
const reasonLabels: Record<UnansweredQuestion['reason'], Message> = {
  no_passage: message('No matching passage'),
  said_so: message('Not answered'),
  passed_on: message('Sent by a visitor'),
}

const emptyTitles: Record<QuestionState, Message> = {
  open: message('No open questions'),
  answered: message('No answered questions'),
  dismissed: message('No dismissed questions'),
}

/** Questions an avee could not answer. The owner's answers become documents. */
export function Questions({ avee }: { avee: Avee }) {
  const api = useApi()
  const [state, setState] = useState<QuestionState>('open')
  const list = useQuery({
    queryKey: keys.questionsIn(avee.id, state),
    queryFn: () => api.call(listQuestions, { params: { id: avee.id }, query: { state } }),
  })
  const stateFilter = (
    <SmallSelect
      label={t('State')}
      value={state}
      onChange={(event) => setState(event.target.value as QuestionState)}
    >
      {stateOptions.map(({ value, title }) => (
        <option key={value} value={value}>
          {t(title)}
        </option>
      ))}
    </SmallSelect>
  )
  return (
    <Section
      title={t('Unanswered questions')}
      text={t(
        'Similar questions are grouped. Your answer becomes a document, so the avee can answer next time.',
      )}
      actions={stateFilter}
    >
      {list.isError && !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <Skeleton height="8rem" />
      ) : list.data.questions.length === 0 ? (
        <EmptyState title={t(emptyTitles[state])}>
          {state === 'open' &&
            t('Visitors’ questions appear here if sharing is on in Settings and they agree.')}
        </EmptyState>
      ) : (
        <ul className="questions">
          {list.data.questions.map((question) => (
            <QuestionCard key={question.id} avee={avee} question={question} />
          ))}
        </ul>
      )}
      {list.data && list.data.hidden > 0 && (
        <Notice>
          {t(
            '{count, plural, one {# more question} other {# more questions}} from visitors who have not agreed to share theirs.',
            { count: list.data.hidden },
          )}
        </Notice>
      )}
    </Section>
  )
}

function QuestionCard({ avee, question }: { avee: Avee; question: UnansweredQuestion }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [isAnswering, setIsAnswering] = useState(false)
  const dismiss = useMutation({
    mutationFn: () => api.call(dismissQuestion, { params: { id: avee.id, question_id: question.id } }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.questions(avee.id) }),
  })
  const waiting = question.passed_on.filter(({ replied }) => !replied).length
  return (
    <li className="question-card">
      <h3>{question.question ?? t('Hidden question')}</h3>
      <p className="question-facts">
        <Badge {...(waiting > 0 ? { kind: 'accent' as const } : {})}>
          {t(reasonLabels[question.reason])}
        </Badge>
        <span>{t('Asked {count, plural, one {# time} other {# times}}', { count: question.count })}</span>
        <span>{t(layerLabels[question.layer].title)}</span>
        <span>{t('Last asked {day}', { day: formatDay(question.last_asked) })}</span>
      </p>
      {question.passed_on.map((sent) => (
        <blockquote key={`${sent.from} ${sent.passed_on_at}`}>
          <p className="small">
            {rich('<b>{name}</b> asked: {question}', {
              name: sent.from,
              question: sent.question,
              b: (name) => <strong>{name}</strong>,
            })}
          </p>
          {sent.note && <p className="small soft">{sent.note}</p>}
          {sent.replied && <p className="small soft">{t('You replied.')}</p>}
        </blockquote>
      ))}
      {isAnswering ? (
        <AnswerForm avee={avee} question={question} waiting={waiting} onDone={() => setIsAnswering(false)} />
      ) : (
        <div className="question-actions">
          <Button small variant="primary" onClick={() => setIsAnswering(true)}>
            {question.state === 'answered' ? t('Answer again') : t('Answer')}
          </Button>
          {question.state === 'open' && (
            <Button small variant="quiet" busy={dismiss.isPending} onClick={() => dismiss.mutate()}>
              {t('Dismiss')}
            </Button>
          )}
        </div>
      )}
    </li>
  )
}

function AnswerForm({
  avee,
  question,
  waiting,
  onDone,
}: {
  avee: Avee
  question: UnansweredQuestion
  /** Number of visitors who sent this question and have no reply yet. */
  waiting: number
  onDone: () => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [{ questionText, answer }, change, clear] = useDraftState(`answer ${question.id}`, {
    questionText: question.question ?? '',
    answer: '',
  })
  const [layer, setLayer] = useState<Layer>(question.layer)
  const [addDocument, setAddDocument] = useState(true)
  const send = useMutation({
    mutationFn: () =>
      api.call(answerQuestion, {
        params: { id: avee.id, question_id: question.id },
        body: {
          answer: answer.trim(),
          layer,
          question: questionText.trim(),
          keep: addDocument,
        },
      }),
    onSuccess: async ({ document_id, replies }) => {
      const done = [
        document_id !== null && t('Added to the documents.'),
        replies > 0 && t('{count, plural, one {# reply} other {# replies}} sent.', { count: replies }),
      ].filter(Boolean)
      showToast(done.join(' ') || t('Question answered.'))
      clear()
      onDone()
      await Promise.all([
        queries.invalidateQueries({ queryKey: keys.questions(avee.id) }),
        queries.invalidateQueries({ queryKey: keys.documents }),
      ])
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (answer.trim() && questionText.trim()) send.mutate()
  }
  return (
    <form className="insight-form" onSubmit={submit}>
      <TextField
        label={t('Question')}
        value={questionText}
        onChange={(event) => change({ questionText: event.target.value })}
        maxLength={1000}
      />
      <TextArea
        label={t('Your answer')}
        value={answer}
        onChange={(event) => change({ answer: event.target.value })}
        maxLength={20_000}
        autoFocus
      />
      <SelectField
        label={t('Layer')}
        value={layer}
        onChange={(event) => setLayer(event.target.value as Layer)}
        hint={
          waiting > 0 ? t('Sent to the visitors who asked, if they have access to this layer.') : undefined
        }
      >
        {layerOptions.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {t(choice.title)}
          </option>
        ))}
      </SelectField>
      {waiting > 0 && (
        <label className="check">
          <input
            type="checkbox"
            checked={addDocument}
            onChange={(event) => setAddDocument(event.target.checked)}
          />
          {t('Also add the answer to the documents')}
        </label>
      )}
      {send.error && <Notice kind="bad">{errorMessage(send.error)}</Notice>}
      <div className="question-actions">
        <Button
          small
          type="submit"
          variant="primary"
          busy={send.isPending}
          disabled={!answer.trim() || !questionText.trim()}
        >
          {waiting > 0 ? t('Reply') : t('Add answer')}
        </Button>
        <Button
          small
          variant="quiet"
          onClick={() => {
            clear()
            onDone()
          }}
        >
          {t('Cancel')}
        </Button>
      </div>
    </form>
  )
}
