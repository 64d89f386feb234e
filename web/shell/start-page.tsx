import { Direction } from 'radix-ui'
import { type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { keys } from '../api/index.ts'
import { type PageServer, ServerProvider, schedulePerFrame } from '../api/react.tsx'
import { createUploadQueue } from '../documents/upload-queue.ts'
import { UploadQueueProvider } from '../documents/upload-queue-context.tsx'
import {
  browserLanguage,
  chosenLanguage,
  directionOf,
  languageChoice,
  showLanguage,
  useLanguage,
} from '../languages/index.ts'
import '@fontsource-variable/inter'
import '../ui/tokens.css'
import '../ui/base.css'
import { ToastProvider } from '../ui/toast.tsx'
import { TooltipProvider } from '../ui/tooltip.tsx'

/** Renders a page with the providers that all screens share. */
export async function startPage(server: PageServer, page: ReactNode): Promise<void> {
  const uploads = createUploadQueue({
    api: server.api,
    hub: server.hub,
    schedule: schedulePerFrame,
    onChanged: () => {
      for (const queryKey of [keys.documents, keys.status])
        void server.queries.invalidateQueries({ queryKey })
    },
  })
  const root = document.getElementById('root')
  if (!root) throw new Error('The document has no #root.')
  // If the language cannot be loaded, the page stays in English.
  const showChosen = () => showLanguage(chosenLanguage() ?? browserLanguage()).catch(() => undefined)
  await showChosen()
  addEventListener('storage', ({ key }) => {
    // The language was changed in another tab.
    if (key === languageChoice) void showChosen()
  })
  createRoot(root).render(
    <StrictMode>
      <ServerProvider server={server}>
        <TextDirection>
          <TooltipProvider delayDuration={500}>
            <ToastProvider>
              <UploadQueueProvider uploads={uploads}>{page}</UploadQueueProvider>
            </ToastProvider>
          </TooltipProvider>
        </TextDirection>
      </ServerProvider>
    </StrictMode>,
  )
}

/** Sets the text direction of menus and tabs. */
function TextDirection({ children }: { children: ReactNode }) {
  return <Direction.Provider dir={directionOf(useLanguage())}>{children}</Direction.Provider>
}
