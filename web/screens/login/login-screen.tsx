import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { getAuthState, logIn, register } from '../../../contract/accounts.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { useTitle } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { ErrorState, Notice, Skeleton } from '../../ui/state.tsx'
import './login.css'
import { redirectTarget } from './redirect-target.ts'

/** Signing in, and making an account; leads back to where one came from. */
export function LoginScreen() {
  const api = useApi()
  const state = useQuery({ queryKey: keys.authState, queryFn: () => api.call(getAuthState) })
  const [choice, setChoice] = useState<'sign-in' | 'register'>()
  const isFirst = state.data !== undefined && !state.data.has_accounts
  const mode = choice ?? (isFirst ? 'register' : 'sign-in')
  useTitle(mode === 'register' ? 'Create an account' : 'Sign in')

  return (
    <main className="whole-page">
      <div className="login">
        <div className="login-head">
          <img src="/favicon.svg" alt="" width={44} height={44} />
          <h1>{mode === 'register' ? 'Create your account' : 'Sign in to Gabee'}</h1>
        </div>
        {state.isPending ? (
          <Skeleton height="15rem" />
        ) : state.isError ? (
          <ErrorState error={state.error} onRetry={() => void state.refetch()} />
        ) : (
          <>
            {mode === 'register' && isFirst && (
              <Notice>
                This is the first account here. It runs this server, and everything that was made on this
                machine so far becomes its own: documents, avees and conversations.
              </Notice>
            )}
            <AccountForm key={mode} mode={mode} />
            {mode === 'register' ? (
              state.data.has_accounts && (
                <Button variant="quiet" onClick={() => setChoice('sign-in')}>
                  I have an account already
                </Button>
              )
            ) : state.data.registration_open ? (
              <Button variant="quiet" onClick={() => setChoice('register')}>
                Create an account
              </Button>
            ) : (
              <p className="small soft">New accounts are made by whoever runs this server.</p>
            )}
          </>
        )}
      </div>
    </main>
  )
}

function AccountForm({ mode }: { mode: 'sign-in' | 'register' }) {
  const api = useApi()
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const enter = useMutation({
    mutationFn: () =>
      mode === 'register'
        ? api.call(register, {
            body: { email, password, ...(name.trim() ? { display_name: name.trim() } : {}) },
          })
        : api.call(logIn, { body: { email, password } }),
    // A new page: nothing of whoever was here before stays in memory.
    onSuccess: () => location.assign(redirectTarget(location.search)),
  })
  const wrong = fieldErrors(enter.error)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    enter.mutate()
  }
  return (
    <form className="login-form" onSubmit={submit}>
      {enter.error && !wrong.email && !wrong.password && <Notice kind="bad">{enter.error.message}</Notice>}
      {mode === 'register' && (
        <TextField
          label="Your name"
          autoComplete="name"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
      <TextField
        label="Email"
        type="email"
        autoComplete="username"
        required
        autoFocus
        value={email}
        error={wrong.email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <TextField
        label="Password"
        type="password"
        autoComplete={mode === 'register' ? 'new-password' : 'current-password'}
        required
        minLength={mode === 'register' ? 8 : undefined}
        hint={mode === 'register' ? 'At least 8 characters.' : undefined}
        value={password}
        error={wrong.password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button variant="primary" type="submit" busy={enter.isPending || enter.isSuccess}>
        {mode === 'register' ? 'Create the account' : 'Sign in'}
      </Button>
    </form>
  )
}

/** The problems that the server found in single fields. */
function fieldErrors(error: unknown): { email?: string; password?: string } {
  if (!(error instanceof ApiError) || error.status !== 422 || !Array.isArray(error.details)) return {}
  const found: { email?: string; password?: string } = {}
  for (const { path, problem } of error.details as { path?: unknown; problem?: string }[]) {
    const field = String(path).split(/[./]/).at(-1)
    if (field === 'email' || field === 'password') found[field] = problem ?? error.message
  }
  return found
}
