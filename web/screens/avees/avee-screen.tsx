import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn, MessageSquare } from 'lucide-react'
import { useState } from 'react'
import { type Avee, getAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentManager } from '../../documents/document-manager.tsx'
import { layerLabels } from '../../documents/layers.ts'
import { t } from '../../languages/index.ts'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { Avatar, EmptyState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { AccessSettings } from './access-settings.tsx'
import { AveeForm } from './avee-form.tsx'
import { FollowButton } from './avees-screen.tsx'
import { DeleteAvee } from './delete-avee.tsx'
import { ExportMenu } from './export-menu.tsx'
import { ToolSettings } from './tool-settings.tsx'
import { WebhookSettings } from './webhook-settings.tsx'
import './avee-screen.css'

const backToAvees = () => ({ href: '/avee', title: t('Avees') })

/** One avee: an editor for its owner, a profile for everyone else. */
export function AveeScreen({ handle }: { handle: string }) {
  const api = useApi()
  const avee = useQuery({
    queryKey: keys.avee(handle),
    queryFn: () => api.call(getAvee, { params: { id: handle } }),
  })
  if (avee.isError && !avee.data) {
    return (
      <Page title={t('Avee')} back={backToAvees()}>
        <EmptyState title={t('Avee not found')}>{errorMessage(avee.error)}</EmptyState>
      </Page>
    )
  }
  if (!avee.data) {
    return (
      <Page title={t('Avee')} back={backToAvees()}>
        <Skeleton height="3rem" width="60%" />
        <Skeleton height="20rem" />
      </Page>
    )
  }
  return avee.data.is_owner ? (
    <OwnerView key={avee.data.id} avee={avee.data} />
  ) : (
    <VisitorView avee={avee.data} />
  )
}

function OwnerView({ avee }: { avee: Avee }) {
  const [tab, setTab] = useState('persona')
  const actions = (
    <>
      <ExportMenu avee={avee} />
      <ButtonLink href={`/avee/${avee.handle}/insight`} icon={ChartNoAxesColumn}>
        {t('Insight')}
      </ButtonLink>
      <ButtonLink href={`/chat/${avee.handle}`} icon={MessageSquare}>
        {t('Chat')}
      </ButtonLink>
    </>
  )
  return (
    <Page
      title={avee.display_name}
      wide
      back={backToAvees()}
      intro={<bdi>@{avee.handle}</bdi>}
      actions={actions}
    >
      <Tabs
        label={avee.display_name}
        value={tab}
        onChange={setTab}
        tabs={[
          {
            id: 'persona',
            title: t('Persona'),
            content: (
              <div className="stack">
                <AveeForm avee={avee} />
                {!avee.is_library && <DeleteAvee avee={avee} />}
              </div>
            ),
          },
          {
            id: 'documents',
            title: t('Documents'),
            content: (
              <div className="stack">
                <DocumentManager avee={avee} />
              </div>
            ),
          },
          { id: 'tools', title: t('Tools'), content: <ToolSettings avee={avee} /> },
          { id: 'people', title: t('People'), content: <AccessSettings avee={avee} /> },
          { id: 'webhooks', title: t('Webhooks'), content: <WebhookSettings avee={avee} /> },
        ]}
      />
    </Page>
  )
}

function VisitorView({ avee }: { avee: Avee }) {
  return (
    <Page title={avee.display_name} back={backToAvees()}>
      <article className="profile">
        <Avatar name={avee.display_name} picture={avee.avatar} size={88} />
        <div className="stack-tight">
          <p className="soft">
            <bdi>@{avee.handle}</bdi> ·{' '}
            {t('{count, plural, one {# follower} other {# followers}}', { count: avee.followers })}
          </p>
          {avee.bio && (
            <p>
              <bdi>{avee.bio}</bdi>
            </p>
          )}
          <p className="small soft">
            {t('Your access: {layer}', { layer: t(layerLabels[avee.my_layer].title) })}
          </p>
          <div className="profile-actions">
            <ButtonLink variant="primary" href={`/chat/${avee.handle}`} icon={MessageSquare}>
              {t('Chat')}
            </ButtonLink>
            <FollowButton avee={avee} />
          </div>
        </div>
      </article>
    </Page>
  )
}
