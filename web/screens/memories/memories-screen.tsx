import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Brain, Download, Plus } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { useSearchParams } from 'wouter'
import { listMyAvees } from '../../../contract/avees.ts'
import {
  exportMemories,
  getMemorySettings,
  listMemories,
  type MemorySettings,
} from '../../../contract/memory.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SearchField, SmallSelect } from '../../ui/field.tsx'
import { EmptyState, Loaded, Notice } from '../../ui/state.tsx'
import { MemoryDialog } from './memory-dialog.tsx'
import { MemoryRow } from './memory-row.tsx'
import { aveeName, MemorySwitches } from './memory-switches.tsx'
import './memories-screen.css'

/** Lists the user's memories and turns memory on or off per avee. */
export function MemoriesScreen() {
  const api = useApi()
  const [isAdding, setIsAdding] = useState(false)
  const settings = useQuery({ queryKey: keys.memorySettings, queryFn: () => api.call(getMemorySettings) })
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees), enabled: isAdding })
  const choices = new Map([
    ...(mine.data?.avees ?? []).map(
      (avee) => [avee.id, avee.is_library ? t('Your library') : avee.display_name] as const,
    ),
    ...(settings.data?.avees ?? []).flatMap((avee) =>
      avee.handle === null ? [] : [[avee.avee_id, aveeName(avee)] as const],
    ),
  ])
  return (
    <Page
      title={t('Memory')}
      intro={t('What avees remember about you from your conversations. Only you can see it.')}
      actions={
        <>
          <a className="button button-secondary" href={api.url(exportMemories)} download>
            <Download size={16} aria-hidden />
            {t('Export')}
          </a>
          <Button variant="primary" icon={Plus} onClick={() => setIsAdding(true)}>
            {t('Add memory')}
          </Button>
        </>
      }
    >
      <Loaded query={settings} height="15rem">
        {(data) => (
          <>
            <MemoryList settings={data} />
            <MemorySwitches settings={data} />
          </>
        )}
      </Loaded>
      {isAdding && mine.data && (
        <MemoryDialog
          avees={[...choices].map(([id, name]) => ({ id, name }))}
          onClose={() => setIsAdding(false)}
        />
      )}
    </Page>
  )
}

function MemoryList({ settings }: { settings: MemorySettings }) {
  const api = useApi()
  const [avee, setAvee] = useState('')
  const [params] = useSearchParams()
  const [searchText, setSearchText] = useState(params.get('query') ?? '')
  const [includePast, setIncludePast] = useState(false)
  const [deletedIds, setDeletedIds] = useState<ReadonlySet<string>>(new Set())
  const query = useDeferredValue(searchText.trim())
  const list = useInfiniteQuery({
    queryKey: keys.memoryList(avee, query, includePast),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      api.call(listMemories, {
        query: {
          limit: 50,
          ...(avee ? { avee } : {}),
          ...(query ? { query } : {}),
          ...(includePast ? { include_past: true } : {}),
          ...(pageParam ? { cursor: pageParam } : {}),
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  const memories = list.data?.pages.flatMap((page) => page.memories) ?? []
  const isFiltered = query !== '' || avee !== ''
  const markDeleted = (id: string, isDeleted: boolean): void =>
    setDeletedIds((current) => {
      const ids = new Set(current)
      if (isDeleted) ids.add(id)
      else ids.delete(id)
      return ids
    })

  return (
    <div className="stack">
      {!settings.enabled && (
        <Notice kind="warn">{t('Memory is off. Existing memories are not used.')}</Notice>
      )}
      <div className="memory-filters">
        <SearchField
          label={t('Search memories')}
          value={searchText}
          onChange={(event) => setSearchText(event.target.value)}
        />
        {settings.avees.length > 1 && (
          <SmallSelect label={t('Avee')} value={avee} onChange={(event) => setAvee(event.target.value)}>
            <option value="">{t('All avees')}</option>
            {settings.avees.map((one) => (
              <option key={one.avee_id} value={one.avee_id}>
                {aveeName(one)}
              </option>
            ))}
          </SmallSelect>
        )}
        <label className="check">
          <input
            type="checkbox"
            checked={includePast}
            onChange={(event) => setIncludePast(event.target.checked)}
          />
          {t('Include past memories')}
        </label>
      </div>
      <Loaded query={list} height="12rem">
        {({ pages }) =>
          memories.length === 0 ? (
            <EmptyState icon={Brain} title={isFiltered ? t('No results') : t('No memories yet')}>
              {!isFiltered && t('Tell an avee something about yourself, such as your name or what you like.')}
            </EmptyState>
          ) : (
            <>
              <p className="memory-count small soft" role="status">
                {t('{count, plural, one {# memory} other {# memories}}', {
                  count: pages[0]?.total ?? memories.length,
                })}
              </p>
              <ul className="rows">
                {memories.map((memory) => {
                  const owner = settings.avees.find(({ avee_id }) => avee_id === memory.avee_id)
                  return (
                    <MemoryRow
                      key={memory.id}
                      memory={memory}
                      avee={{
                        handle: owner?.handle ?? null,
                        name: owner && settings.avees.length > 1 ? aveeName(owner) : undefined,
                      }}
                      isDeleted={deletedIds.has(memory.id)}
                      onDeletedChange={(isDeleted) => markDeleted(memory.id, isDeleted)}
                    />
                  )
                })}
              </ul>
            </>
          )
        }
      </Loaded>
      {list.hasNextPage && (
        <div>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t('Show more')}
          </Button>
        </div>
      )}
    </div>
  )
}
