import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** As near to the end as still counts as being there. */
const nearly = 60

/**
 * Keeps a growing conversation at its end as long as the reader is there, and lets go as soon as they scroll up.
 * `place` names what is shown: another one starts at its end.
 */
export function useStickToBottom(place: string): {
  scroller: RefObject<HTMLDivElement | null>
  content: RefObject<HTMLDivElement | null>
  isAtEnd: boolean
  toEnd: () => void
} {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const sticks = useRef(true)
  const [isAtEnd, setIsAtEnd] = useState(true)

  const toEnd = useCallback(() => {
    sticks.current = true
    setIsAtEnd(true)
    const box = scroller.current
    if (box) box.scrollTop = box.scrollHeight
  }, [])

  useLayoutEffect(toEnd, [toEnd, place])

  useEffect(() => {
    const box = scroller.current
    const inner = content.current
    if (!box || !inner) return
    let lastTop = box.scrollTop
    const onScroll = (): void => {
      const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < nearly
      // Only the reader moves upwards; growing text merely leaves the end behind.
      if (isNear) sticks.current = true
      else if (box.scrollTop < lastTop) sticks.current = false
      lastTop = box.scrollTop
      setIsAtEnd(isNear || sticks.current)
    }
    const follow = new ResizeObserver(() => {
      if (sticks.current) box.scrollTop = box.scrollHeight
      else onScroll()
    })
    box.addEventListener('scroll', onScroll, { passive: true })
    follow.observe(inner)
    follow.observe(box)
    return () => {
      box.removeEventListener('scroll', onScroll)
      follow.disconnect()
    }
  }, [])

  return { scroller, content, isAtEnd, toEnd }
}
