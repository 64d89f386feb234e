import type { ReactNode } from 'react'

/** An item of a list: a title, details and buttons. */
export function Row({ title, facts, children }: { title: ReactNode; facts: ReactNode; children: ReactNode }) {
  return (
    <li className="row">
      <div className="row-body">
        <span className="row-title">{title}</span>
        <span className="row-facts">{facts}</span>
      </div>
      {children && <div className="row-actions">{children}</div>}
    </li>
  )
}
