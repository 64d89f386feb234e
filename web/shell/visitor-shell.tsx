import { skipToken, useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { Link, Redirect, useLocation } from 'wouter'
import { getProfile, startVisit } from '../../contract/avees.ts'
import { keys } from '../api/index.ts'
import { useApi, VisitorContext } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { saveLocally } from '../ui/local-storage.ts'
import { aveeOfPath } from './avee-of-path.ts'
import { ConnectionBar } from './connection-bar.tsx'
import './visitor-shell.css'

/** Set when a visitor signs in to keep their conversation. */
export const keepsVisit = 'keep-visit'

/** The layout for visitors without an account. Visitors of an avee that is not open to them are asked to sign in. */
export function VisitorShell({ children }: { children: ReactNode }) {
  const api = useApi()
  const [path, navigate] = useLocation()
  const handle = aveeOfPath(path) ?? ''
  const profile = useQuery({
    queryKey: keys.profile(handle),
    queryFn: handle ? () => api.call(getProfile, { params: { id: handle } }) : skipToken,
    retry: false,
  })
  const isOpen = profile.data?.anonymous === true
  const visit = useQuery({
    queryKey: keys.visit(handle),
    queryFn: isOpen ? () => api.call(startVisit, { params: { id: handle } }) : skipToken,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  const isChat = path.startsWith('/chat/')
  useEffect(() => {
    if (isOpen && !isChat) navigate(`/chat/${handle}`, { replace: true })
  }, [isOpen, isChat, handle, navigate])

  const signIn = `/login?next=${encodeURIComponent(path)}`
  if (!handle || profile.isError || profile.data?.anonymous === false || visit.isError)
    return <Redirect to={signIn} replace />
  if (!visit.data || !isChat) return <div className="whole-page" role="status" aria-label={t('Loading')} />
  return (
    <VisitorContext value={true}>
      <main className="visitor-shell" id="main">
        <ConnectionBar />
        {children}
        <p className="visitor-note">
          <Link href={signIn} onClick={() => saveLocally(keepsVisit, 'yes')}>
            {/^\/chat\/[^/]+\/./.test(path) ? t('Sign in to keep this conversation') : t('Sign in')}
          </Link>
        </p>
      </main>
    </VisitorContext>
  )
}
