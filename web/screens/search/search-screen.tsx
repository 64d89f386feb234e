import { skipToken, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, useEffect, useEffectEvent, useState } from 'react'
import { useSearchParams } from 'wouter'
import { listMyAvees } from '../../../contract/avees.ts'
import { type SearchScope, search as searchOperation, searchScope } from '../../../contract/search.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { SearchResults } from '../../documents/search-results.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SearchField, SmallSelect } from '../../ui/field.tsx'
import { EmptyState, ErrorState, Skeleton } from '../../ui/state.tsx'
import { Destinations } from './destinations.tsx'
import './search-screen.css'

/** The search starts after this time without typing. */
const typingPauseMs = 300

const scopeNames: Record<SearchScope, Message> = {
  all: message('All results'),
  documents: message('Documents'),
  conversations: message('Conversations'),
  memories: message('Memories'),
}

/**
 * Searches documents, conversations and memories of the user's avees. The search is part of the URL, so it can be
 * bookmarked, and survives opening a result.
 */
export function SearchScreen() {
  const api = useApi()
  const [params, setParams] = useSearchParams()
  const query = params.get('query')?.trim() ?? ''
  const avee = params.get('avee') ?? ''
  const scope = searchScope.safeParse(params.get('scope')).data ?? 'all'
  const [searchText, setSearchText] = useState(query)
  useEffect(() => setSearchText((text) => (text.trim() === query ? text : query)), [query])

  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees) })
  const followed = useQuery({
    queryKey: keys.followedAvees,
    queryFn: () => api.call(listMyAvees, { query: { followed: true } }),
  })
  const avees = [
    ...(mine.data?.avees.filter(({ is_library: isLibrary }) => !isLibrary) ?? []),
    ...(followed.data?.avees.filter(({ is_owner: isOwner }) => !isOwner) ?? []),
  ]
  const search = useInfiniteQuery({
    queryKey: keys.search(query, scope, avee),
    initialPageParam: undefined as string | undefined,
    queryFn:
      query === ''
        ? skipToken
        : ({ pageParam, signal }) =>
            api.call(searchOperation, {
              body: {
                query,
                scope,
                limit: 20,
                ...(avee ? { avee } : {}),
                ...(pageParam ? { cursor: pageParam } : {}),
              },
              signal,
            }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // While the user types, the previous results remain, except those of another filter.
    placeholderData: (previous, last) =>
      last?.queryKey[1] === scope && last.queryKey[2] === avee ? previous : undefined,
  })

  const startSearch = (changes: { scope?: string; avee?: string }): void => {
    const next = { query: searchText.trim(), scope, avee, ...changes }
    const found = {
      ...(next.query && { query: next.query }),
      ...(next.scope !== 'all' && { scope: next.scope }),
      ...(next.avee && { avee: next.avee }),
    }
    setParams(found, { replace: true })
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    startSearch({})
  }
  const searchTyped = useEffectEvent(() => {
    if (searchText.trim() !== query) startSearch({})
  })
  useEffect(() => {
    if (searchText.trim() === '') return
    const timer = setTimeout(searchTyped, typingPauseMs)
    return () => clearTimeout(timer)
  }, [searchText])
  return (
    <Page title={t('Search')} intro={t('Find passages of documents, conversations and memories.')}>
      <form className="search-form" role="search" onSubmit={submit} onKeyDown={focusFirstResult}>
        <SearchField
          label={t('Search everything')}
          maxLength={1000}
          value={searchText}
          autoFocus
          onChange={(event) => setSearchText(event.target.value)}
        />
        <Button variant="primary" type="submit" busy={search.isFetching} disabled={!searchText.trim()}>
          {t('Search')}
        </Button>
      </form>
      <div className="search-filters">
        <SmallSelect
          label={t('Show')}
          value={scope}
          onChange={(event) => startSearch({ scope: event.target.value })}
        >
          {searchScope.options.map((each) => (
            <option key={each} value={each}>
              {t(scopeNames[each])}
            </option>
          ))}
        </SmallSelect>
        {avees.length > 0 && (
          <SmallSelect
            label={t('Search in')}
            value={avee}
            onChange={(event) => startSearch({ avee: event.target.value })}
          >
            <option value="">{t('All avees')}</option>
            <option value="local">{t('Your library')}</option>
            {avees.map(({ id, handle, display_name: name }) => (
              <option key={id} value={handle}>
                {name}
              </option>
            ))}
          </SmallSelect>
        )}
      </div>
      <div aria-live="polite" className="search-results">
        <Destinations words={searchText} avees={avees} />
        {query === '' ? (
          <EmptyState icon={Search} title={t('Search everything')}>
            {t('Enter a question or keywords, or choose where to go.')}
          </EmptyState>
        ) : search.isError ? (
          <ErrorState error={search.error} onRetry={() => void search.refetch()} />
        ) : search.data ? (
          <SearchResults
            query={query}
            results={search.data.pages.flatMap((page) => page.results)}
            answerable={search.data.pages[0]?.answerable ?? 'no'}
            showAvee={avee === ''}
          />
        ) : (
          <Skeleton height="12rem" />
        )}
      </div>
      {search.hasNextPage && (
        <Button variant="quiet" busy={search.isFetchingNextPage} onClick={() => void search.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
    </Page>
  )
}

/** In the search field, the down arrow moves the focus to the results. */
function focusFirstResult(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown') return
  const first = document.querySelector<HTMLElement>('.search-results :is(.destination, .search-hit)')
  if (!first) return
  event.preventDefault()
  first.focus()
}
