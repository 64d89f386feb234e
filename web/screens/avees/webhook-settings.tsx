import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import {
  createWebhook,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  type WebhookEvent,
  webhookEvents,
} from '../../../contract/webhooks.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { formatTime } from '../../ui/format.ts'
import { NewSecret } from '../../ui/new-secret.tsx'
import { EmptyState, Loaded, Notice } from '../../ui/state.tsx'

const eventLabels: Record<WebhookEvent, Message> = {
  'answer.finished': message('An answer to you has finished'),
  'ingest.finished': message('An upload has finished'),
  'question.unanswered': message('A question is unanswered'),
}
const statusLabels = {
  pending: message('Pending'),
  delivered: message('Delivered'),
  failed: message('Failed'),
}

/** The webhooks of an avee. */
export function WebhookSettings({ avee }: { avee: Avee }) {
  const api = useApi()
  const [isAdding, setIsAdding] = useState(false)
  const list = useQuery({
    queryKey: keys.webhooks(avee.id),
    queryFn: () => api.call(listWebhooks, { params: { id: avee.id } }),
  })
  return (
    <Section
      title={t('Webhooks')}
      text={t('Other programs receive a signed message about each event. It contains ids, never text.')}
      actions={<Button onClick={() => setIsAdding(true)}>{t('Add webhook')}</Button>}
    >
      <Loaded query={list} height="4rem">
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <EmptyState title={t('No webhooks yet')} />
          ) : (
            <ul className="rows">
              {webhooks.map((webhook) => (
                <WebhookRow key={webhook.id} aveeId={avee.id} webhook={webhook} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isAdding && <WebhookDialog aveeId={avee.id} onClose={() => setIsAdding(false)} />}
    </Section>
  )
}

type Webhook = { id: string; url: string; events: WebhookEvent[] }

function WebhookRow({ aveeId, webhook }: { aveeId: string; webhook: Webhook }) {
  const api = useApi()
  const queries = useQueryClient()
  const [isConfirming, setIsConfirming] = useState(false)
  const [isOpen, setIsOpen] = useState(false)
  const { id, url, events } = webhook
  return (
    <>
      <Row
        title={<bdi className="truncate">{url}</bdi>}
        facts={events.map((event) => t(eventLabels[event])).join(' · ')}
      >
        <Button small onClick={() => setIsOpen(true)}>
          {t('Deliveries')}
        </Button>
        <IconButton
          label={t('Delete {name}', { name: url })}
          icon={Trash2}
          small
          onClick={() => setIsConfirming(true)}
        />
      </Row>
      {isOpen && <Deliveries webhook={webhook} onClose={() => setIsOpen(false)} />}
      <ConfirmDialog
        open={isConfirming}
        onOpenChange={setIsConfirming}
        title={t('Delete the webhook?')}
        action={t('Delete')}
        onConfirm={async () => {
          await api.call(deleteWebhook, { params: { id } })
          await queries.invalidateQueries({ queryKey: keys.webhooks(aveeId) })
        }}
      >
        <bdi>{url}</bdi>
      </ConfirmDialog>
    </>
  )
}

function Deliveries({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const api = useApi()
  const list = useQuery({
    queryKey: keys.deliveries(webhook.id),
    queryFn: () => api.call(listDeliveries, { params: { id: webhook.id } }),
  })
  return (
    <Dialog open onOpenChange={onClose} title={t('Deliveries')}>
      <Loaded query={list} height="6rem">
        {({ deliveries }) =>
          deliveries.length === 0 ? (
            <p className="soft">{t('Nothing was sent in the last 30 days.')}</p>
          ) : (
            <ul className="rows">
              {deliveries.map((delivery) => (
                <Row
                  key={delivery.id}
                  title={t(eventLabels[delivery.event])}
                  facts={[
                    t(statusLabels[delivery.status]),
                    delivery.response_status,
                    delivery.error,
                    formatTime(delivery.created_at),
                  ]
                    .filter((fact) => fact !== null)
                    .join(' · ')}
                >
                  {null}
                </Row>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Dialog>
  )
}

function WebhookDialog({ aveeId, onClose }: { aveeId: string; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [url, setUrl] = useState('')
  const [events, setEvents] = useState<WebhookEvent[]>([...webhookEvents])
  const create = useMutation({
    mutationFn: () => api.call(createWebhook, { params: { id: aveeId }, body: { url: url.trim(), events } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.webhooks(aveeId) }),
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={create.data ? t('Webhook added') : t('Add webhook')}>
      {create.data ? (
        <NewSecret
          hint={t('Copy the secret now. It verifies the signatures, and you won’t be able to see it again.')}
          text={create.data.secret}
          onClose={onClose}
        />
      ) : (
        <form onSubmit={submit} className="dialog-form">
          <TextField
            label={t('Address')}
            type="url"
            placeholder="https://example.com/gabee"
            value={url}
            autoFocus
            onChange={(event) => setUrl(event.target.value)}
          />
          <fieldset className="field">
            <legend className="field-label">{t('Events')}</legend>
            <div className="choices">
              {webhookEvents.map((event) => (
                <label key={event} className="choice">
                  <input
                    type="checkbox"
                    checked={events.includes(event)}
                    onChange={({ target }) =>
                      setEvents(
                        webhookEvents.filter((each) =>
                          each === event ? target.checked : events.includes(each),
                        ),
                      )
                    }
                  />
                  <span className="choice-text">{t(eventLabels[event])}</span>
                </label>
              ))}
            </div>
          </fieldset>
          {create.error && <Notice kind="bad">{create.error.message}</Notice>}
          <DialogActions>
            <Button onClick={onClose}>{t('Cancel')}</Button>
            <Button
              variant="primary"
              type="submit"
              busy={create.isPending}
              disabled={url.trim() === '' || events.length === 0}
            >
              {t('Add webhook')}
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  )
}
