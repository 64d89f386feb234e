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
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { leave } from '../../shell/sign-out.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { formatTime, joinFacts } from '../../ui/format.ts'
import { Loaded } from '../../ui/state.tsx'
import { describeClient } from './describe-client.ts'

/** Lists the signed-in browsers and programs, and signs them out. */
export function Sessions({ onSignOut }: { onSignOut: () => void }) {
  const api = useApi()
  const [isConfirming, setIsConfirming] = useState(false)
  const list = useQuery({ queryKey: keys.sessions, queryFn: () => api.call(listSessions) })
  return (
    <Section
      title={t('Sessions')}
      text={t('Where you are signed in.')}
      actions={
        <>
          <Button onClick={onSignOut}>{t('Sign out')}</Button>
          <Button onClick={() => setIsConfirming(true)}>{t('Sign out everywhere')}</Button>
        </>
      }
    >
      <Loaded query={list} height="3.75rem">
        {({ sessions }) => (
          <ul className="rows">
            {sessions.map((session) => (
              <SessionRow key={session.id} session={session} />
            ))}
          </ul>
        )}
      </Loaded>
      <ConfirmDialog
        open={isConfirming}
        onOpenChange={setIsConfirming}
        title={t('Sign out everywhere?')}
        action={t('Sign out')}
        onConfirm={async () => {
          await api.call(deleteSessions)
          await leave()
        }}
      >
        {t('All browsers and programs that use your password are signed out. API keys remain valid.')}
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
      facts={joinFacts([
        session.is_current
          ? t('This browser')
          : t('Last used {time}', { time: formatTime(session.last_used_at) }),
        session.address,
        t('Signed in {time}', { time: formatTime(session.created_at) }),
      ])}
    >
      {!session.is_current && (
        <Button small busy={end.isPending} onClick={() => end.mutate()}>
          {t('Sign out')}
        </Button>
      )}
    </Row>
  )
}
