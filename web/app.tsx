import { useQuery } from '@tanstack/react-query'
import { type ReactNode, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { getMe } from '../contract/accounts.ts'
import { keepVisit, listConversations } from '../contract/conversations.ts'
import { getLibraryStats } from '../contract/localchat.ts'
import { ApiError, type Client, keys, type Me } from './api/index.ts'
import { useApi } from './api/react.tsx'
import { usePreventStrayDrops } from './documents/file-drop.tsx'
import { ResumeUploads } from './documents/upload-queue-context.tsx'
import { t, useLanguage } from './languages/index.ts'
import { ChatScreen } from './screens/chat/chat-screen.tsx'
import { SendQueuedQuestions } from './screens/chat/question-queue.tsx'
import { TopBar } from './shell/page.tsx'
import { onDemand, ScreenBoundary } from './shell/screen-boundary.tsx'
import { Shell } from './shell/shell.tsx'
import { keepsVisit, VisitorShell } from './shell/visitor-shell.tsx'
import { ButtonLink } from './ui/button.tsx'
import { clearLocally, loadLocally, saveLocally } from './ui/local-storage.ts'
import { EmptyState, ErrorState, Skeleton } from './ui/state.tsx'

// The chat is loaded with the page; the other screens are loaded on demand.
const LoginScreen = onDemand(async () => (await import('./screens/login/login-screen.tsx')).LoginScreen)
const ShareScreen = onDemand(async () => (await import('./screens/chat/share-screen.tsx')).ShareScreen)
const LibraryScreen = onDemand(
  async () => (await import('./screens/library/library-screen.tsx')).LibraryScreen,
)
const SearchScreen = onDemand(async () => (await import('./screens/search/search-screen.tsx')).SearchScreen)
const AveesScreen = onDemand(async () => (await import('./screens/avees/avees-screen.tsx')).AveesScreen)
const AveeScreen = onDemand(async () => (await import('./screens/avees/avee-screen.tsx')).AveeScreen)
const InsightScreen = onDemand(
  async () => (await import('./screens/insight/insight-screen.tsx')).InsightScreen,
)
const MemoriesScreen = onDemand(
  async () => (await import('./screens/memories/memories-screen.tsx')).MemoriesScreen,
)
const ModelsScreen = onDemand(async () => (await import('./screens/models/models-screen.tsx')).ModelsScreen)
const SettingsScreen = onDemand(
  async () => (await import('./screens/settings/settings-screen.tsx')).SettingsScreen,
)
const AdminScreen = onDemand(async () => (await import('./screens/admin/admin-screen.tsx')).AdminScreen)
const WelcomeScreen = onDemand(
  async () => (await import('./screens/welcome/welcome-screen.tsx')).WelcomeScreen,
)

/** The routes of the page. No path is both a route of the page and of the API. */
export function App() {
  useLanguage()
  return (
    <Suspense fallback={<div className="whole-page" />}>
      <Switch>
        <Route path="/login">
          <ScreenBoundary>
            <LoginScreen />
          </ScreenBoundary>
        </Route>
        <Route path="/s/:token">
          {({ token }) => (
            <ScreenBoundary>
              <ShareScreen token={token} />
            </ScreenBoundary>
          )}
        </Route>
        <Route>
          <Gate>
            <ScreenBoundary bar={<TopBar title={t('Error')} />}>
              <Suspense fallback={<ScreenSkeleton />}>
                <Screens />
              </Suspense>
            </ScreenBoundary>
          </Gate>
        </Route>
      </Switch>
    </Suspense>
  )
}

function Screens() {
  usePreventStrayDrops()
  return (
    <Switch>
      <Route path="/">
        <Home />
      </Route>
      <Route path="/chat">
        <Redirect to="/chat/local" replace />
      </Route>
      <Route path="/chat/:handle/:id?">
        {({ handle, id }) => <ChatScreen key={handle} handle={handle} conversationId={id} />}
      </Route>
      <Route path={/^\/@(?<handle>[\w-]+)$/}>
        {({ handle }) => <Redirect to={`/chat/${handle}`} replace />}
      </Route>
      <Route path="/library">
        <LibraryScreen />
      </Route>
      <Route path="/search">
        <SearchScreen />
      </Route>
      <Route path="/avee">
        <AveesScreen />
      </Route>
      <Route path="/avee/:handle">{({ handle }) => <AveeScreen handle={handle} />}</Route>
      <Route path="/avee/:handle/insight/:part?">
        {({ handle, part }) => <InsightScreen key={handle} handle={handle} part={part} />}
      </Route>
      <Route path="/memory">
        <MemoriesScreen />
      </Route>
      <Route path="/model">
        <ModelsScreen />
      </Route>
      <Route path="/settings">
        <SettingsScreen />
      </Route>
      <Route path="/administration/:part?">{({ part }) => <AdminScreen part={part} />}</Route>
      <Route path="/welcome">
        <WelcomeScreen />
      </Route>
      <Route>
        <TopBar title={t('Not found')} />
        <EmptyState title={t('Page not found')} actions={<ButtonLink href="/">{t('Home')}</ButtonLink>} />
      </Route>
    </Switch>
  )
}

/** Shows its children in the layout of signed-in users, or in that of visitors without an account. */
function Gate({ children }: { children: ReactNode }) {
  const api = useApi()
  const me = useQuery({ queryKey: keys.me, queryFn: () => loadUser(api), staleTime: 60_000 })
  if (me.error instanceof ApiError && me.error.status === 401) return <VisitorShell>{children}</VisitorShell>
  if (me.data)
    return (
      <Shell me={me.data}>
        <ResumeUploads />
        <SendQueuedQuestions userId={me.data.id} />
        {children}
      </Shell>
    )
  if (me.isError) {
    return (
      <main className="whole-page">
        <ErrorState error={me.error} onRetry={() => void me.refetch()} />
      </main>
    )
  }
  return <div className="whole-page" role="status" aria-label={t('Loading')} />
}

const lastUser = 'last-user'

/** Loads the signed-in user, and transfers the conversation that they had as a visitor if they signed in to keep it. */
async function loadUser(api: Client): Promise<Me> {
  const me = await api.call(getMe)
  // The session of another user has ended without signing out in this browser.
  if ((loadLocally(lastUser) ?? me.id) !== me.id) clearLocally()
  saveLocally(lastUser, me.id)
  if (loadLocally(keepsVisit) !== undefined) {
    saveLocally(keepsVisit, undefined)
    await api.call(keepVisit).catch(() => undefined)
  }
  return me
}

/** `/`: the chat with the library, or the welcome screen for new users. */
function Home() {
  const api = useApi()
  const start = useQuery({
    queryKey: ['start'],
    queryFn: async () => {
      const [stats, list] = await Promise.all([
        api.call(getLibraryStats),
        api.call(listConversations, { query: { limit: 1 } }),
      ])
      return stats.document_count === 0 && list.conversations.length === 0 ? '/welcome' : '/chat/local'
    },
  })
  if (start.isError) return <ErrorState error={start.error} onRetry={() => void start.refetch()} />
  return start.data ? <Redirect to={start.data} replace /> : <ScreenSkeleton />
}

function ScreenSkeleton() {
  return <TopBar title={<Skeleton width="10rem" />} />
}
