import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Route, Router } from 'wouter'
import { memoryLocation } from 'wouter/memory-location'
import { keys } from '../api/index.ts'
import { useApi, VisitorContext } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { ChatScreen } from '../screens/chat/chat-screen.tsx'
import { ConnectionBar } from '../shell/connection-bar.tsx'
import { ScreenBoundary } from '../shell/screen-boundary.tsx'
import { ErrorState } from '../ui/state.tsx'
import type { Visit } from './visit.ts'
import '../shell/visitor-shell.css'

/** A chat with one avee in a frame on another website, for visitors without an account. */
export function EmbeddedChat({ handle, visit }: { handle: string; visit: Visit }) {
  const api = useApi()
  const start = useQuery({
    queryKey: keys.visit(handle),
    queryFn: () => visit.start(api),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  if (start.isError)
    return (
      <main className="whole-page">
        <ErrorState error={start.error} onRetry={() => void start.refetch()} />
      </main>
    )
  if (!start.data) return <div className="whole-page" role="status" aria-label={t('Loading')} />
  return (
    <VisitorContext value={true}>
      <main className="visitor-shell" id="main">
        <ConnectionBar />
        <ScreenBoundary>
          <Conversation handle={handle} visit={visit} initialId={start.data.conversationId} />
        </ScreenBoundary>
      </main>
    </VisitorContext>
  )
}

/** The chat. Its address is that of the frame. */
function Conversation({
  handle,
  visit,
  initialId,
}: {
  handle: string
  visit: Visit
  initialId: string | undefined
}) {
  const [location] = useState(() =>
    memoryLocation({ path: `/chat/${handle}${initialId === undefined ? '' : `/${initialId}`}` }),
  )
  return (
    <Router hook={location.hook} searchHook={location.searchHook}>
      <Route path="/chat/:handle/:id?">
        {({ id }) => (
          <>
            <ChatScreen handle={handle} conversationId={id} />
            <SaveConversation visit={visit} id={id} />
          </>
        )}
      </Route>
    </Router>
  )
}

function SaveConversation({ visit, id }: { visit: Visit; id: string | undefined }) {
  useEffect(() => visit.saveConversation(id), [visit, id])
  return null
}
