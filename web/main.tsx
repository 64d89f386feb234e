import { navigate } from 'wouter/use-browser-location'
import { createPageServer } from './api/react.tsx'
import { App } from './app.tsx'
import { keepOffline } from './offline/keep-offline.ts'
import { startPage } from './shell/start-page.tsx'

const server = createPageServer(() => {
  if (location.pathname === '/login') return
  server.queries.clear()
  navigate(`/login?next=${encodeURIComponent(location.pathname)}`)
})

keepOffline()
// A top-level `await` would split the page into many more files.
void startPage(server, <App />)
