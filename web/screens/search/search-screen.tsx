import { skipToken, useQuery } from '@tanstack/react-query'
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
import './search-screen.css'

const library = 'local'

/** Searches the passages of the user's library or avees. The query is part of the URL, so a search can be bookmarked and shared. */
export function SearchScreen() {
  const api = useApi()
  const [params, setParams] = useSearchParams()
  const query = params.get('query')?.trim() ?? ''
  const avee = params.get('avee') ?? library
  const [searchText, setSearchText] = useState(query)
  useEffect(() => setSearchText(query), [query])

  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees) })
  const avees = mine.data?.avees.filter(({ is_library: isLibrary }) => !isLibrary) ?? []
  const search = useQuery({
    queryKey: keys.search(avee, query),
    queryFn: query === '' ? skipToken : () => api.call(searchDocuments, { body: { avee, query, limit: 20 } }),
  })

  const startSearch = (next: { query: string; avee: string }): void =>
    setParams({
      ...(next.query && { query: next.query }),
      ...(next.avee !== library && { avee: next.avee }),
    })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    startSearch({ query: searchText.trim(), avee })
  }
  return (
    <Page title="Search" intro="Find passages in your documents.">
      <form className="search-form" role="search" onSubmit={submit}>
        <SearchField
          label="Search your documents"
          maxLength={1000}
          value={searchText}
          autoFocus
          onChange={(event) => setSearchText(event.target.value)}
        />
        <Button variant="primary" type="submit" busy={search.isFetching} disabled={!searchText.trim()}>
          Search
        </Button>
      </form>
      {avees.length > 0 && (
        <SmallSelect
          label="Search in"
          className="search-scope"
          value={avee}
          onChange={(event) => startSearch({ query: searchText.trim(), avee: event.target.value })}
        >
          <option value={library}>Your library</option>
          {avees.map(({ id, handle, display_name: name }) => (
            <option key={id} value={handle}>
              {name}
            </option>
          ))}
        </SmallSelect>
      )}
      <div aria-live="polite" className="search-results">
        {query === '' ? (
          <EmptyState icon={Search} title="Search your documents">
            Enter a question or keywords.
          </EmptyState>
        ) : search.isError ? (
          <ErrorState error={search.error} onRetry={() => void search.refetch()} />
        ) : search.data ? (
          <SearchResults {...search.data} showLayer={avee !== library} />
        ) : (
          <Skeleton height="12rem" />
        )}
      </div>
    </Page>
  )
}
