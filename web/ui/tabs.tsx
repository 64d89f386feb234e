import { Tabs as Parts } from 'radix-ui'
import type { ReactNode } from 'react'
import './tabs.css'

export type Tab = { id: string; title: string; content: ReactNode }

/** Tabs with their panels. */
export function Tabs({
  label,
  tabs,
  value,
  onChange,
}: {
  label: string
  tabs: Tab[]
  value: string
  onChange: (id: string) => void
}) {
  return (
    <Parts.Root value={value} onValueChange={onChange}>
      <Parts.List className="tabs" aria-label={label}>
        {tabs.map((tab) => (
          <Parts.Trigger key={tab.id} value={tab.id} className="tab">
            {tab.title}
          </Parts.Trigger>
        ))}
      </Parts.List>
      {tabs.map((tab) => (
        <Parts.Content key={tab.id} value={tab.id} className="tab-content">
          {tab.content}
        </Parts.Content>
      ))}
    </Parts.Root>
  )
}
