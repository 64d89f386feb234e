import type { ReactNode } from 'react'
import './table.css'

export type Column = { title: string; isNumber?: boolean }

/** A table that scrolls within its frame; `label` is its accessible name. The children are its rows. */
export function Table({
  label,
  columns,
  children,
}: {
  label: string
  columns: Column[]
  children: ReactNode
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls the frame of a wide table
    <div className="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" className={isNumber ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
