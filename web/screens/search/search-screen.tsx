import { useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { useSearchParams } from 'wouter'
import { listMyAvees } from '../../../contract/avees.ts'
import { searchDocuments } from '../../../contract/knowledge.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { SearchResults } from '../../documents/search-results.tsx'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SearchField, SmallSelect } from '../../ui/field.tsx'
import { EmptyState, ErrorState, Skeleton } from '../../ui/state.tsx'

const library = 'local'

/** Passages of one's library or of an avee of one's own. The address holds the query, so it can be kept and shared. */
export function SearchScreen() {
  const api = useApi()
  const [asked, setAsked] = useSearchParams()
  const query = asked.get('query')?.trim() ?? ''
  const where = asked.get('avee') ?? library
  const [words, setWords] = useState(query)
  useEffect(() => setWords(query), [query])

  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees) })
  const others = mine.data?.avees.filter((avee) => !avee.is_library) ?? []
  const search = useQuery({
    queryKey: keys.search(where, query),
    queryFn: () => api.call(searchDocuments, { body: { avee: where, query, limit: 20 } }),
    enabled: query !== '',
  })

  const ask = (next: { query: string; avee: string }): void =>
    setAsked({
      ...(next.query && { query: next.query }),
      ...(next.avee !== library && { avee: next.avee }),
    })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    ask({ query: words.trim(), avee: where })
  }
  return (
    <Page title="Search" intro="What your documents say, word for word. No model is asked.">
      <form className="retrieval-form" role="search" onSubmit={submit}>
        <SearchField
          label="A question or some words"
          maxLength={1000}
          value={words}
          autoFocus
          onChange={(event) => setWords(event.target.value)}
        />
        <Button variant="primary" type="submit" busy={search.isFetching} disabled={!words.trim()}>
          Search
        </Button>
      </form>
      {others.length > 0 && (
        <SmallSelect
          label="Where to search"
          className="search-where"
          value={where}
          onChange={(event) => ask({ query: words.trim(), avee: event.target.value })}
        >
          <option value={library}>In your library</option>
          {others.map((avee) => (
            <option key={avee.id} value={avee.handle}>
              In the documents of {avee.display_name}
            </option>
          ))}
        </SmallSelect>
      )}
      <div aria-live="polite" className="retrieval-results">
        {query === '' ? (
          <EmptyState icon={Search} title="Find the passage">
            Ask a question or give some words; each passage opens in its page.
          </EmptyState>
        ) : search.isError ? (
          <ErrorState error={search.error} onRetry={() => void search.refetch()} />
        ) : search.data ? (
          <SearchResults {...search.data} showsLayer={where !== library} />
        ) : (
          <Skeleton height="12rem" />
        )}
      </div>
    </Page>
  )
}
