import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { search as searchOperation } from '../../contract/search.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Section } from '../shell/page.tsx'
import { Button } from '../ui/button.tsx'
import { SearchField } from '../ui/field.tsx'
import { Notice } from '../ui/state.tsx'
import { SearchResults } from './search-results.tsx'

/** Shows the passages that a question retrieves. */
export function RetrievalTest({ avee }: { avee: Avee }) {
  const api = useApi()
  const [question, setQuestion] = useState('')
  const search = useMutation({
    mutationFn: (query: string) =>
      api.call(searchOperation, { body: { avee: avee.id, scope: 'documents', query, limit: 10 } }),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (question.trim()) search.mutate(question.trim())
  }
  return (
    <Section
      title={t('Test retrieval')}
      text={t('See which passages a question retrieves, best match first.')}
    >
      <form className="search-form" onSubmit={submit}>
        <SearchField
          label={t('Question')}
          maxLength={1000}
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
        />
        <Button type="submit" busy={search.isPending} disabled={!question.trim()}>
          {t('Test')}
        </Button>
      </form>
      <div aria-live="polite" className="search-results">
        {search.isError && <Notice kind="bad">{search.error.message}</Notice>}
        {search.data && <SearchResults {...search.data} />}
      </div>
    </Section>
  )
}
