import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Brain, Download, Plus } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { listMyAvees } from '../../../contract/avees.ts'
import {
  exportMemories,
  getMemorySettings,
  listMemories,
  type MemorySettings,
} from '../../../contract/memory.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Page } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SearchField, SmallSelect } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'
import { EmptyState, ErrorState, Notice, Skeleton } from '../../ui/state.tsx'
import './memories.css'
import { MemoryDialog } from './memory-dialog.tsx'
import { MemoryRow } from './memory-row.tsx'
import { aveeName, MemorySwitches } from './memory-switches.tsx'

/** What avees remember of oneself, and whether they do. */
export function MemoriesScreen() {
  const api = useApi()
  const [isAdding, setIsAdding] = useState(false)
  const settings = useQuery({ queryKey: keys.memorySettings, queryFn: () => api.call(getMemorySettings) })
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees), enabled: isAdding })
  const choices = new Map([
    ...(mine.data?.avees ?? []).map(
      (avee) => [avee.id, avee.is_library ? 'Your library' : avee.display_name] as const,
    ),
    ...(settings.data?.avees ?? []).flatMap((avee) =>
      avee.handle === null ? [] : [[avee.avee_id, aveeName(avee)] as const],
    ),
  ])
  return (
    <Page
      title="Memory"
      intro="What each avee remembers of you from what you said. It is yours alone: whoever made the avee does not see it."
      actions={
        <>
          <a className="button button-secondary" href={api.url(exportMemories)} download>
            <Download size={16} aria-hidden />
            Export
          </a>
          <Button variant="primary" icon={Plus} onClick={() => setIsAdding(true)}>
            Add
          </Button>
        </>
      }
    >
      {settings.isPending ? (
        <Skeleton height="15rem" />
      ) : settings.isError ? (
        <ErrorState error={settings.error} onRetry={() => void settings.refetch()} />
      ) : (
        <>
          <MemoryList settings={settings.data} />
          <MemorySwitches settings={settings.data} />
        </>
      )}
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
  const [words, setWords] = useState('')
  const [withPast, setWithPast] = useState(false)
  const [forgotten, setForgotten] = useState<ReadonlySet<string>>(new Set())
  const query = useDeferredValue(words.trim())
  const found = useInfiniteQuery({
    queryKey: keys.memoryList(avee, query, withPast),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      api.call(listMemories, {
        query: {
          limit: 50,
          ...(avee ? { avee } : {}),
          ...(query ? { query } : {}),
          ...(withPast ? { include_past: true } : {}),
          ...(pageParam ? { cursor: pageParam } : {}),
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (former) => former,
  })
  const memories = found.data?.pages.flatMap((page) => page.memories) ?? []
  const aveeOf = (id: string) => settings.avees.find((one) => one.avee_id === id)
  const isFiltered = query !== '' || avee !== ''
  const mark = (id: string, isForgotten: boolean): void =>
    setForgotten((before) => {
      const after = new Set(before)
      if (isForgotten) after.add(id)
      else after.delete(id)
      return after
    })

  return (
    <div className="stack">
      {!settings.enabled && (
        <Notice kind="warn">Remembering is switched off: what stands here is not used.</Notice>
      )}
      <div className="memory-filters">
        <SearchField
          label="Search memories"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        {settings.avees.length > 1 && (
          <SmallSelect label="Whose memories" value={avee} onChange={(event) => setAvee(event.target.value)}>
            <option value="">All avees</option>
            {settings.avees.map((one) => (
              <option key={one.avee_id} value={one.avee_id}>
                {aveeName(one)}
              </option>
            ))}
          </SmallSelect>
        )}
        <label className="check">
          <input type="checkbox" checked={withPast} onChange={(event) => setWithPast(event.target.checked)} />
          Past ones too
        </label>
      </div>
      {found.isPending ? (
        <Skeleton height="12rem" />
      ) : found.isError ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : memories.length === 0 ? (
        <EmptyState icon={Brain} title={isFiltered ? 'Nothing by these words' : 'Nothing is remembered yet'}>
          {!isFiltered && 'Tell an avee something about yourself: your name, where you live, what you like.'}
        </EmptyState>
      ) : (
        <>
          <p className="memory-count small soft" role="status">
            {formatCount(found.data.pages[0]?.total ?? memories.length, 'memory', 'memories')}
          </p>
          <ul className="rows">
            {memories.map((memory) => {
              const its = aveeOf(memory.avee_id)
              return (
                <MemoryRow
                  key={memory.id}
                  memory={memory}
                  avee={{
                    handle: its?.handle ?? null,
                    name: its && settings.avees.length > 1 ? aveeName(its) : undefined,
                  }}
                  isForgotten={forgotten.has(memory.id)}
                  onForgotten={(isForgotten) => mark(memory.id, isForgotten)}
                />
              )
            })}
          </ul>
        </>
      )}
      {found.hasNextPage && (
        <div>
          <Button busy={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
    </div>
  )
}
