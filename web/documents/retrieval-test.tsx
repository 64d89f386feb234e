import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { searchDocuments } from '../../contract/knowledge.ts'
import { useApi } from '../api/react.tsx'
import { Section } from '../shell/page.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField } from '../ui/field.tsx'
import { Notice } from '../ui/state.tsx'
import './documents.css'
import { SearchResults } from './search-results.tsx'

/** Shows which passages a question would find, without asking a model. */
export function RetrievalTest({ avee }: { avee: Avee }) {
  const api = useApi()
  const [words, setWords] = useState('')
  const search = useMutation({
    mutationFn: (query: string) => api.call(searchDocuments, { body: { avee: avee.id, query, limit: 10 } }),
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
        {search.data && <SearchResults {...search.data} showsLayer={!avee.is_library} />}
      </div>
    </Section>
  )
}
