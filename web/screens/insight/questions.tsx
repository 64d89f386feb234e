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
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SelectField, SmallSelect, TextArea, TextField } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'
import { Badge, EmptyState, ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'
import { formatDay } from './days.ts'
import './questions.css'
import './insight-form.css'

const stateOptions: { value: QuestionState; title: string }[] = [
  { value: 'open', title: 'Open' },
  { value: 'answered', title: 'Answered' },
  { value: 'dismissed', title: 'Dismissed' },
]
const reasonLabels: Record<UnansweredQuestion['reason'], string> = {
  no_passage: 'No matching passage',
  said_so: 'Not answered',
  passed_on: 'Sent by a visitor',
}

const emptyTitles: Record<QuestionState, string> = {
  open: 'No open questions',
  answered: 'No answered questions',
  dismissed: 'No dismissed questions',
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
      label="State"
      value={state}
      onChange={(event) => setState(event.target.value as QuestionState)}
    >
      {stateOptions.map(({ value, title }) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </SmallSelect>
  )
  return (
    <Section
      title="Unanswered questions"
      text="Similar questions are grouped. Your answer becomes a document, so the avee can answer next time."
      actions={stateFilter}
    >
      {list.isError && !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <Skeleton height="8rem" />
      ) : list.data.questions.length === 0 ? (
        <EmptyState title={emptyTitles[state]}>
          {state === 'open' && 'Visitors’ questions appear here if sharing is on in Settings and they agree.'}
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
          {formatCount(list.data.hidden, 'more question')} from visitors who have not agreed to share theirs.
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
      <h3>{question.question ?? 'Hidden question'}</h3>
      <p className="question-facts">
        <Badge {...(waiting > 0 ? { kind: 'accent' as const } : {})}>{reasonLabels[question.reason]}</Badge>
        <span>Asked {formatCount(question.count, 'time')}</span>
        <span>{layerLabels[question.layer].title}</span>
        <span>Last asked {formatDay(question.last_asked)}</span>
      </p>
      {question.passed_on.map((sent) => (
        <blockquote key={`${sent.from} ${sent.passed_on_at}`}>
          <p className="small">
            <strong>{sent.from}</strong> asked: {sent.question}
          </p>
          {sent.note && <p className="small soft">{sent.note}</p>}
          {sent.replied && <p className="small soft">You replied.</p>}
        </blockquote>
      ))}
      {isAnswering ? (
        <AnswerForm avee={avee} question={question} waiting={waiting} onDone={() => setIsAnswering(false)} />
      ) : (
        <div className="question-actions">
          <Button small variant="primary" onClick={() => setIsAnswering(true)}>
            {question.state === 'answered' ? 'Answer again' : 'Answer'}
          </Button>
          {question.state === 'open' && (
            <Button small variant="quiet" busy={dismiss.isPending} onClick={() => dismiss.mutate()}>
              Dismiss
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
        document_id !== null && 'Added to the documents.',
        replies > 0 && `${formatCount(replies, 'reply', 'replies')} sent.`,
      ].filter(Boolean)
      showToast(done.join(' ') || 'Question answered.')
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
        label="Question"
        value={questionText}
        onChange={(event) => change({ questionText: event.target.value })}
        maxLength={1000}
      />
      <TextArea
        label="Your answer"
        value={answer}
        onChange={(event) => change({ answer: event.target.value })}
        maxLength={20_000}
        autoFocus
      />
      <SelectField
        label="Layer"
        value={layer}
        onChange={(event) => setLayer(event.target.value as Layer)}
        hint={waiting > 0 ? 'Sent to the visitors who asked, if they have access to this layer.' : undefined}
      >
        {layerOptions.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.title}
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
          Also add the answer to the documents
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
          {waiting > 0 ? 'Reply' : 'Add answer'}
        </Button>
        <Button
          small
          variant="quiet"
          onClick={() => {
            clear()
            onDone()
          }}
        >
          Cancel
        </Button>
      </div>
    </form>
  )
}
