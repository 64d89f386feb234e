import { Notice } from '../ui/state.tsx'

/** A passage as it was quoted, where it cannot be shown in its place, and why it cannot. */
export function QuotedPassage({ text, why }: { text: string; why: string }) {
  return (
    <>
      <Notice kind="warn">{why} This is the passage as it was quoted:</Notice>
      <p className="document-text">
        <mark>{text}</mark>
      </p>
    </>
  )
}
