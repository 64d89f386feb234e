import type { Box } from './pdf/line-boxes.ts'
import type { PassageBoxes } from './pdf/worker-messages.ts'

/** Marks a passage on the image of its page. `firstRef` receives the element to scroll to. */
export function PassageHighlight({
  text,
  boxes: { all, emphasized },
  isUnsupported,
  firstRef,
}: {
  text: string
  boxes: PassageBoxes
  isUnsupported: boolean | undefined
  firstRef: React.Ref<HTMLElement>
}) {
  return (
    <mark className={isUnsupported ? 'unsupported' : undefined}>
      <span className="visually-hidden">{text}</span>
      <Highlight boxes={all} firstRef={emphasized.length === 0 ? firstRef : undefined} />
      <Highlight boxes={emphasized} firstRef={firstRef} isEmphasized />
    </mark>
  )
}

/** Highlights line boxes on the page. `firstRef` receives the first box. */
function Highlight({
  boxes,
  firstRef,
  isEmphasized,
}: {
  boxes: Box[]
  firstRef: React.Ref<HTMLElement> | undefined
  isEmphasized?: boolean
}) {
  return boxes.map((box, i) => (
    <i
      key={i}
      ref={i === 0 ? firstRef : undefined}
      className={isEmphasized ? 'emphasized' : undefined}
      style={{
        left: `${box.left * 100}%`,
        top: `${box.top * 100}%`,
        width: `${box.width * 100}%`,
        height: `${box.height * 100}%`,
      }}
    />
  ))
}
