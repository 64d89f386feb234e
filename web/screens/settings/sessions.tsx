import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type ActiveSession,
  deleteSession,
  deleteSessions,
  listSessions,
} from '../../../contract/accounts.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { formatTime } from '../../ui/format.ts'
import { ErrorState, Skeleton } from '../../ui/state.tsx'
import { describeClient } from './describe-client.ts'

/** Lists the signed-in browsers and programs, and signs them out. */
export function Sessions({ onSignOut }: { onSignOut: () => void }) {
  const api = useApi()
  const [isConfirming, setIsConfirming] = useState(false)
  const list = useQuery({ queryKey: keys.sessions, queryFn: () => api.call(listSessions) })
  return (
    <Section
      title="Sessions"
      text="Where you are signed in."
      actions={
        <>
          <Button onClick={onSignOut}>Sign out</Button>
          <Button onClick={() => setIsConfirming(true)}>Sign out everywhere</Button>
        </>
      }
    >
      {list.isPending ? (
        <Skeleton height="3.75rem" />
      ) : !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <ul className="rows">
          {list.data.sessions.map((session) => (
            <SessionRow key={session.id} session={session} />
          ))}
        </ul>
      )}
      <ConfirmDialog
        open={isConfirming}
        onOpenChange={setIsConfirming}
        title="Sign out everywhere?"
        action="Sign out"
        onConfirm={async () => {
          await api.call(deleteSessions)
          location.assign('/login')
        }}
      >
        All browsers and programs that use your password are signed out. API keys remain valid.
      </ConfirmDialog>
    </Section>
  )
}

function SessionRow({ session }: { session: ActiveSession }) {
  const api = useApi()
  const queries = useQueryClient()
  const end = useMutation({
    mutationFn: () => api.call(deleteSession, { params: { id: session.id } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.sessions }),
  })
  return (
    <Row
      title={<span className="truncate">{describeClient(session.user_agent)}</span>}
      facts={
        <>
          {session.is_current ? 'This browser' : `Last used ${formatTime(session.last_used_at)}`}
          {session.address && ` · ${session.address}`} · Signed in {formatTime(session.created_at)}
        </>
      }
    >
      {!session.is_current && (
        <Button small busy={end.isPending} onClick={() => end.mutate()}>
          Sign out
        </Button>
      )}
    </Row>
  )
}
