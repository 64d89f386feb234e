import { CircleAlert } from 'lucide-react'
import { Component, type ComponentType, lazy, type ReactNode, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { useServerConnection } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/state.tsx'
import { isPageOutdated } from './page-build.ts'

class LoadError extends Error {
  override readonly name = 'LoadError'
}

/** Returns a screen that is loaded when it is first shown. */
export const onDemand = <Props extends object>(load: () => Promise<ComponentType<Props>>) =>
  lazy(async () => {
    try {
      return { default: await load() }
    } catch (cause) {
      throw new LoadError('The screen could not be loaded.', { cause })
    }
  })

/** Shows an error instead of a screen that could not be loaded or rendered. Navigating to another screen retries. */
export function ScreenBoundary({ bar, children }: { bar?: ReactNode; children: ReactNode }) {
  const [location] = useLocation()
  return (
    <Boundary location={location} bar={bar}>
      {children}
    </Boundary>
  )
}

type State = { error: unknown; location: string }

class Boundary extends Component<{ location: string; bar: ReactNode; children: ReactNode }, State> {
  override state: State = { error: undefined, location: this.props.location }

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error }
  }

  static getDerivedStateFromProps({ location }: { location: string }, state: State): Partial<State> | null {
    return location === state.location ? null : { error: undefined, location }
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children
    return (
      <>
        {this.props.bar}
        <ScreenError isLoadError={this.state.error instanceof LoadError} />
      </>
    )
  }
}

/** Only a reload helps, because browsers cache the failed load of a module. */
function ScreenError({ isLoadError }: { isLoadError: boolean }) {
  const [state, setState] = useState<'idle' | 'checking' | 'unreachable'>('idle')
  const connection = useServerConnection()
  useEffect(() => connection.check(), [connection])
  const reload = async (): Promise<void> => {
    setState('checking')
    try {
      // Reloading without a connection would lose the page.
      await isPageOutdated()
      location.reload()
    } catch {
      setState('unreachable')
    }
  }
  return (
    <EmptyState
      icon={CircleAlert}
      title={isLoadError ? t('This screen could not be loaded') : t('Something went wrong on this screen')}
      actions={
        <Button variant="primary" busy={state === 'checking'} onClick={() => void reload()}>
          {t('Reload')}
        </Button>
      }
    >
      <p role="alert">
        {state === 'unreachable'
          ? t('The server is still unreachable. Check that it is running and try again.')
          : isLoadError
            ? t('The connection was lost, or the server has a new version of the page.')
            : t('Reload the page to try again.')}
      </p>
    </EmptyState>
  )
}
