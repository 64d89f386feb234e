import { navigate } from 'wouter/use-browser-location'
import { createPageServer } from './api/react.tsx'
import { App } from './app.tsx'
import { startPage } from './shell/start-page.tsx'

const server = createPageServer(() => {
  if (location.pathname === '/login') return
  server.queries.clear()
  navigate(`/login?next=${encodeURIComponent(location.pathname)}`)
})

await startPage(server, <App />)
