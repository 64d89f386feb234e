import { createPageServer } from '../api/react.tsx'
import { startPage } from '../shell/start-page.tsx'
import { postToWebsite } from '../ui/embedded.ts'
import { EmbeddedChat } from './embedded-chat.tsx'
import { createVisit } from './visit.ts'

const [, , handle = ''] = location.pathname.split('/')
const visit = createVisit(handle)
const server = createPageServer(() => {
  visit.forget()
  location.reload()
}, visit.fetch)

addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented) postToWebsite('gabee:close')
})
void startPage(server, <EmbeddedChat handle={handle} visit={visit} />)
