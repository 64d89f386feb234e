import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import type { SearchHit } from '../../contract/knowledge.ts'
import { useApi } from '../api/react.tsx'
import { Section } from '../shell/page.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField } from '../ui/field.tsx'
import { EmptyState, Notice } from '../ui/state.tsx'
import './documents.css'
import { TextDialog } from './text-dialog.tsx'

/** Shows which passages a question would find, without asking a model. */
export function RetrievalTest({ avee }: { avee: Avee }) {
  const api = useApi()
  const [words, setWords] = useState('')
  const [open, setOpen] = useState<SearchHit>()
  const search = useMutation({
    mutationFn: (query: string) => api.documents.search({ avee: avee.id, query, limit: 10 }),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (words.trim()) search.mutate(words.trim())
  }
  return (
    <Section
      title="What a question finds"
      text="The passages an answer would be given, best first. No model is asked."
    >
      <form className="retrieval-form" onSubmit={submit}>
        <SearchField
          label="A question or some words"
          maxLength={1000}
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <Button type="submit" busy={search.isPending} disabled={!words.trim()}>
          Search
        </Button>
      </form>
      <div aria-live="polite" className="retrieval-results">
        {search.isError && <Notice kind="bad">{search.error.message}</Notice>}
        {search.data && search.data.results.length === 0 && <EmptyState title="Nothing fits these words" />}
        {search.data && search.data.results.length > 0 && (
          <>
            {!search.data.answerable && (
              <Notice kind="warn">
                None of these fits well: an answer would say that the documents do not tell.
              </Notice>
            )}
            <ol className="rows">
              {search.data.results.map((hit) => (
                <li key={`${hit.document_id} ${hit.passage}`} className="row">
                  <button type="button" className="hit" onClick={() => setOpen(hit)}>
                    <span className="row-title">
                      <span className="truncate">{hit.title}</span>
                      {hit.page !== null && <span className="row-facts">page {hit.page}</span>}
                      <span className="hit-score" title="How well it fits">
                        {hit.score.toFixed(2)}
                      </span>
                    </span>
                    <span className="hit-text">{hit.text}</span>
                  </button>
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
      {open && (
        <TextDialog
          documentId={open.document_id}
          title={open.title}
          passage={open}
          onClose={() => setOpen(undefined)}
        />
      )}
    </Section>
  )
}
