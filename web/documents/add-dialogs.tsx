import { type FormEvent, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { createDocumentFromUrl, createDocuments, createDocumentsFromSite } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Button } from '../ui/button.tsx'
import { Dialog, DialogActions } from '../ui/dialog.tsx'
import { TextArea, TextField } from '../ui/field.tsx'
import { useDraftState } from '../ui/use-draft-state.ts'
import { useUploadQueue } from './upload-queue-context.tsx'

type AddDialogProps = { avee: Avee; layer: Layer; onClose: () => void }

/** Adds a document from typed or pasted text. */
export function AddTextDialog({ avee, layer, onClose }: AddDialogProps) {
  const api = useApi()
  const uploads = useUploadQueue()
  const [{ title, text }, change, clear] = useDraftState(`document ${avee.id}`, { title: '', text: '' })
  const isComplete = title.trim() !== '' && text.trim() !== ''
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (!isComplete) return
    uploads.add(avee.id, title.trim(), (key) =>
      api.call(createDocuments, {
        params: { id: avee.id },
        body: { title: title.trim(), text, layer },
        idempotencyKey: key,
      }),
    )
    clear()
    onClose()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Add text')} wide>
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label={t('Title')}
          value={title}
          maxLength={300}
          autoFocus
          onChange={(event) => change({ title: event.target.value })}
        />
        <TextArea
          label={t('Text')}
          rows={12}
          value={text}
          onChange={(event) => change({ text: event.target.value })}
        />
        <DialogActions>
          <Button
            onClick={() => {
              clear()
              onClose()
            }}
          >
            {t('Cancel')}
          </Button>
          <Button variant="primary" type="submit" disabled={!isComplete}>
            {t('Add')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

/** Adds a web page, or the pages in a site's sitemap. The server fetches them once. */
export function AddUrlDialog({ avee, layer, onClose }: AddDialogProps) {
  const api = useApi()
  const uploads = useUploadQueue()
  const [address, setAddress] = useState('')
  const [isSite, setIsSite] = useState(false)
  const [error, setError] = useState<string>()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const url = parseWebUrl(address)
    if (!url) {
      setError(t('Enter a web address such as https://example.org.'))
      return
    }
    if (isSite)
      uploads.addRun(avee.id, url, (key) =>
        api.open(createDocumentsFromSite, {
          params: { id: avee.id },
          body: { url, layer },
          idempotencyKey: key,
        }),
      )
    else
      uploads.add(avee.id, url, (key) =>
        api.call(createDocumentFromUrl, {
          params: { id: avee.id },
          body: { url, layer },
          idempotencyKey: key,
        }),
      )
    onClose()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Add web page')}>
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label={t('Address')}
          placeholder="https://"
          inputMode="url"
          value={address}
          autoFocus
          error={error}
          hint={
            isSite
              ? t(
                  'Adds the pages under this address that are in the site’s sitemap and allowed by its robots.txt.',
                )
              : t('The server fetches the page once. The site can see the server’s IP address.')
          }
          onChange={(event) => {
            setAddress(event.target.value)
            setError(undefined)
          }}
        />
        <label className="check">
          <input type="checkbox" checked={isSite} onChange={(event) => setIsSite(event.target.checked)} />
          {t('Add the whole site')}
        </label>
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button variant="primary" type="submit" disabled={!address.trim()}>
            {t('Add')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

/** Returns the http or https URL in a text, adding `https://` if it has no scheme. */
function parseWebUrl(text: string): string | undefined {
  const trimmed = text.trim()
  try {
    const url = new URL(/^[a-z]+:/i.test(trimmed) ? trimmed : `https://${trimmed}`)
    return /^https?:$/.test(url.protocol) && url.hostname.includes('.') ? url.href : undefined
  } catch {
    return undefined
  }
}
