import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** The distance in CSS pixels up to which the view counts as being at the bottom. */
const toleranceInPixels = 60

/** Keeps a growing conversation scrolled to its bottom, where it starts, until the user scrolls up. */
export function useStickToBottom(): {
  scroller: RefObject<HTMLDivElement | null>
  content: RefObject<HTMLDivElement | null>
  isAtBottom: boolean
  scrollToBottom: () => void
  /** Stops following the bottom, to show another position. */
  leaveBottom: () => void
} {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isSticky = useRef(true)
  const [isAtBottom, setIsAtBottom] = useState(true)

  const scrollToBottom = useCallback(() => {
    isSticky.current = true
    setIsAtBottom(true)
    const element = scroller.current
    if (element) element.scrollTop = element.scrollHeight
  }, [])

  const leaveBottom = useCallback(() => {
    isSticky.current = false
  }, [])

  useLayoutEffect(scrollToBottom, [scrollToBottom])

  useEffect(() => {
    const element = scroller.current
    const inner = content.current
    if (!element || !inner) return
    let lastTop = element.scrollTop
    const onScroll = (): void => {
      const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < toleranceInPixels
      // If scrollTop decreases, the user has scrolled up: growing text does not change it.
      if (isNear) isSticky.current = true
      else if (element.scrollTop < lastTop) isSticky.current = false
      lastTop = element.scrollTop
      setIsAtBottom(isNear || isSticky.current)
    }
    const follow = new ResizeObserver(() => {
      if (isSticky.current) element.scrollTop = element.scrollHeight
      else onScroll()
    })
    element.addEventListener('scroll', onScroll, { passive: true })
    follow.observe(inner)
    follow.observe(element)
    return () => {
      element.removeEventListener('scroll', onScroll)
      follow.disconnect()
    }
  }, [])

  return { scroller, content, isAtBottom, scrollToBottom, leaveBottom }
}
