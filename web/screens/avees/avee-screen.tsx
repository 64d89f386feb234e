import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn, MessageSquare } from 'lucide-react'
import { useState } from 'react'
import { type Avee, getAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { DocumentManager } from '../../documents/document-manager.tsx'
import { layerLabels } from '../../documents/layers.ts'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { formatCount } from '../../ui/format.ts'
import { Avatar, EmptyState, errorMessage, Skeleton } from '../../ui/state.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { AccessSettings } from './access-settings.tsx'
import { AveeForm } from './avee-form.tsx'
import { FollowButton } from './avees-screen.tsx'
import { DeleteAvee } from './delete-avee.tsx'
import { ExportMenu } from './export-menu.tsx'
import './avee-screen.css'

const back = { href: '/avee', title: 'Avees' }

/** One avee: an editor for its owner, a profile for everyone else. */
export function AveeScreen({ handle }: { handle: string }) {
  const api = useApi()
  const avee = useQuery({
    queryKey: keys.avee(handle),
    queryFn: () => api.call(getAvee, { params: { id: handle } }),
  })
  if (avee.isError && !avee.data) {
    return (
      <Page title="Avee" back={back}>
        <EmptyState title="Avee not found">{errorMessage(avee.error)}</EmptyState>
      </Page>
    )
  }
  if (!avee.data) {
    return (
      <Page title="Avee" back={back}>
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
        Insight
      </ButtonLink>
      <ButtonLink href={`/chat/${avee.handle}`} icon={MessageSquare}>
        Chat
      </ButtonLink>
    </>
  )
  return (
    <Page title={avee.display_name} wide back={back} intro={`@${avee.handle}`} actions={actions}>
      <Tabs
        label={avee.display_name}
        value={tab}
        onChange={setTab}
        tabs={[
          {
            id: 'persona',
            title: 'Persona',
            content: (
              <div className="stack">
                <AveeForm avee={avee} />
                {!avee.is_library && <DeleteAvee avee={avee} />}
              </div>
            ),
          },
          {
            id: 'documents',
            title: 'Documents',
            content: (
              <div className="stack">
                <DocumentManager avee={avee} />
              </div>
            ),
          },
          { id: 'people', title: 'People', content: <AccessSettings avee={avee} /> },
        ]}
      />
    </Page>
  )
}

function VisitorView({ avee }: { avee: Avee }) {
  return (
    <Page title={avee.display_name} back={back}>
      <article className="profile">
        <Avatar name={avee.display_name} picture={avee.avatar} size={88} />
        <div className="stack-tight">
          <p className="soft">
            @{avee.handle} · {formatCount(avee.followers, 'follower')}
          </p>
          {avee.bio && <p>{avee.bio}</p>}
          <p className="small soft">Your access: {layerLabels[avee.my_layer].title.toLowerCase()}</p>
          <div className="profile-actions">
            <ButtonLink variant="primary" href={`/chat/${avee.handle}`} icon={MessageSquare}>
              Chat
            </ButtonLink>
            <FollowButton avee={avee} />
          </div>
        </div>
      </article>
    </Page>
  )
}
