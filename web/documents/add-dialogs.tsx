import { type FormEvent, useState } from 'react'
import type { Avee } from '../../contract/avees.ts'
import { createDocumentFromUrl, createDocuments, createDocumentsFromSite } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { useApi } from '../api/react.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog, DialogActions } from '../ui/dialog.tsx'
import { TextArea, TextField } from '../ui/field.tsx'
import { useUploadQueue } from './upload-queue-context.tsx'

type Adding = { avee: Avee; layer: Layer; onClose: () => void }

/** A document from text that is typed or pasted. */
export function AddTextDialog({ avee, layer, onClose }: Adding) {
  const api = useApi()
  const uploads = useUploadQueue()
  const [title, setTitle] = useState('')
  const [text, setText] = useState('')
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
    onClose()
  }
  return (
    <Dialog open onOpenChange={onClose} title="Paste text" wide>
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="Title"
          value={title}
          maxLength={300}
          autoFocus
          onChange={(event) => setTitle(event.target.value)}
        />
        <TextArea label="Text" rows={12} value={text} onChange={(event) => setText(event.target.value)} />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" disabled={!isComplete}>
            Add
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

/** Documents from the web, read once by the server: a page, or those that a site lists in its sitemap. */
export function AddUrlDialog({ avee, layer, onClose }: Adding) {
  const api = useApi()
  const uploads = useUploadQueue()
  const [address, setAddress] = useState('')
  const [wantsSite, setWantsSite] = useState(false)
  const [error, setError] = useState<string>()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const url = webAddress(address)
    if (!url) {
      setError('That is not the address of a web page.')
      return
    }
    if (wantsSite)
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
    <Dialog open onOpenChange={onClose} title="Add a web page">
      <form onSubmit={submit} className="dialog-form">
        <TextField
          label="Address"
          placeholder="https://"
          inputMode="url"
          value={address}
          autoFocus
          error={error}
          hint={
            wantsSite
              ? 'The server reads the pages under this address that the site’s sitemap lists and its robots.txt leaves open.'
              : 'The server reads the page once, as it is now. Its address becomes known to that site.'
          }
          onChange={(event) => {
            setAddress(event.target.value)
            setError(undefined)
          }}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={wantsSite}
            onChange={(event) => setWantsSite(event.target.checked)}
          />
          The whole site
        </label>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" disabled={!address.trim()}>
            Add
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

function webAddress(text: string): string | undefined {
  const trimmed = text.trim()
  try {
    const url = new URL(/^[a-z]+:/i.test(trimmed) ? trimmed : `https://${trimmed}`)
    return /^https?:$/.test(url.protocol) && url.hostname.includes('.') ? url.href : undefined
  } catch {
    return undefined
  }
}
