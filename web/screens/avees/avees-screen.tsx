import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { Plus, Users } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { type Avee, followAvee, listAvees, listMyAvees, unfollowAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { SearchField } from '../../ui/field.tsx'
import { Avatar, Badge, EmptyState, ErrorState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { useToast } from '../../ui/toast.tsx'
import { ImportButton } from './import-button.tsx'
import { NewAveeDialog } from './new-avee-dialog.tsx'
import './avees-screen.css'

/** The user's own avees and a directory of public ones. */
export function AveesScreen() {
  const [tab, setTab] = useState('mine')
  const [isCreating, setIsCreating] = useState(false)
  const [, navigate] = useLocation()
  return (
    <Page
      title={t('Avees')}
      intro={t(
        'An avee is an AI persona with its own character, documents and memory. You decide what each visitor can see.',
      )}
      actions={
        <>
          <ImportButton onImported={(avee) => navigate(`/avee/${avee.handle}`)} />
          <Button variant="primary" icon={Plus} onClick={() => setIsCreating(true)}>
            {t('Create avee')}
          </Button>
        </>
      }
    >
      <Tabs
        label={t('Avees')}
        value={tab}
        onChange={setTab}
        tabs={[
          { id: 'mine', title: t('Mine'), content: <MyAvees onCreate={() => setIsCreating(true)} /> },
          { id: 'following', title: t('Following'), content: <FollowedAvees /> },
          { id: 'discover', title: t('Discover'), content: <DiscoverAvees /> },
        ]}
      />
      {isCreating && (
        <NewAveeDialog
          onClose={() => setIsCreating(false)}
          onCreated={(avee) => navigate(`/avee/${avee.handle}`)}
        />
      )}
    </Page>
  )
}

function MyAvees({ onCreate }: { onCreate: () => void }) {
  const api = useApi()
  const mine = useQuery({ queryKey: keys.myAvees, queryFn: () => api.call(listMyAvees) })
  if (mine.isPending) return <CardSkeletons />
  if (!mine.data) return <ErrorState error={mine.error} onRetry={() => void mine.refetch()} />
  const avees = mine.data.avees.filter((avee) => !avee.is_library)
  if (avees.length === 0) {
    return (
      <EmptyState
        icon={Users}
        title={t('No avees yet')}
        actions={<Button onClick={onCreate}>{t('Create avee')}</Button>}
      >
        {t('Start with a name and a short description of how it should speak. Add documents later.')}
      </EmptyState>
    )
  }
  return (
    <ul className="cards">
      {avees.map((avee) => (
        <AveeCard key={avee.id} avee={avee} />
      ))}
    </ul>
  )
}

function FollowedAvees() {
  const api = useApi()
  const followed = useQuery({
    queryKey: keys.followedAvees,
    queryFn: () => api.call(listMyAvees, { query: { followed: true } }),
  })
  if (followed.isPending) return <CardSkeletons />
  if (!followed.data) return <ErrorState error={followed.error} onRetry={() => void followed.refetch()} />
  if (followed.data.avees.length === 0)
    return (
      <EmptyState icon={Users} title={t('You don’t follow any avees yet')}>
        {t('Find public avees under Discover.')}
      </EmptyState>
    )
  return (
    <ul className="cards">
      {followed.data.avees.map((avee) => (
        <AveeCard key={avee.id} avee={avee} />
      ))}
    </ul>
  )
}

function DiscoverAvees() {
  const api = useApi()
  const [searchText, setSearchText] = useState('')
  const query = useDeferredValue(searchText.trim())
  const search = useInfiniteQuery({
    queryKey: keys.discover(query),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      api.call(listAvees, {
        query: {
          limit: 30,
          ...(query ? { query } : {}),
          ...(pageParam ? { cursor: pageParam } : {}),
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  const avees = search.data?.pages.flatMap((page) => page.avees) ?? []
  return (
    <div className="stack">
      <SearchField
        label={t('Search avees')}
        value={searchText}
        onChange={(event) => setSearchText(event.target.value)}
      />
      {search.isPending ? (
        <CardSkeletons />
      ) : search.isError && !search.data ? (
        <ErrorState error={search.error} onRetry={() => void search.refetch()} />
      ) : avees.length === 0 ? (
        <EmptyState icon={Users} title={query ? t('No results') : t('No public avees yet')}>
          {!query && t('Set an avee’s visibility to Public to list it here.')}
        </EmptyState>
      ) : (
        <ul className="cards">
          {avees.map((avee) => (
            <AveeCard key={avee.id} avee={avee} />
          ))}
        </ul>
      )}
      {search.hasNextPage && (
        <div>
          <Button busy={search.isFetchingNextPage} onClick={() => void search.fetchNextPage()}>
            {t('Show more')}
          </Button>
        </div>
      )}
    </div>
  )
}

function AveeCard({ avee }: { avee: Avee }) {
  return (
    <li className="card">
      <Avatar name={avee.display_name} picture={avee.avatar} size={44} />
      <div className="card-body">
        <Link href={`/avee/${avee.handle}`} className="card-name">
          {avee.display_name}
        </Link>
        <p className="small soft">
          <bdi>@{avee.handle}</bdi>
          {avee.followers > 0 &&
            ` · ${t('{count, plural, one {# follower} other {# followers}}', { count: avee.followers })}`}
        </p>
        {avee.bio && (
          <p className="card-bio">
            <bdi>{avee.bio}</bdi>
          </p>
        )}
        <div className="card-actions">
          <ButtonLink small href={`/chat/${avee.handle}`}>
            {t('Chat')}
          </ButtonLink>
          {avee.is_owner ? (
            avee.visibility !== 'public' && (
              <Badge>{avee.visibility === 'private' ? t('Private') : t('Unlisted')}</Badge>
            )
          ) : (
            <FollowButton avee={avee} />
          )}
        </div>
      </div>
    </li>
  )
}

export function FollowButton({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const follow = useMutation({
    mutationFn: () =>
      avee.is_following
        ? api.call(unfollowAvee, { params: { id: avee.id } })
        : api.call(followAvee, { params: { id: avee.id } }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.avees }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  return (
    <Button small variant="quiet" busy={follow.isPending} onClick={() => follow.mutate()}>
      {avee.is_following ? t('Unfollow') : t('Follow')}
    </Button>
  )
}

function CardSkeletons() {
  return (
    <div className="cards" role="status" aria-label={t('Loading avees')}>
      <Skeleton height="8.5rem" />
      <Skeleton height="8.5rem" />
    </div>
  )
}
