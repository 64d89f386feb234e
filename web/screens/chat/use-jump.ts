import { type RefObject, useEffect, useEffectEvent } from 'react'

/** The number of frames without movement of the target after which the rows around it have been measured. */
const settledFrames = 3

/** Scrolls until the target is a quarter below the top of the view. Stops when the user scrolls. */
export function useJump<Target>(
  scroller: RefObject<HTMLElement | null>,
  target: Target | undefined,
  on: {
    /** Returns the element or range of the target once it is rendered. */
    find: (target: Target) => Element | Range | undefined
    scrollTo: (offset: number) => void
    onEnd: (hasArrived: boolean) => void
  },
): void {
  const find = useEffectEvent(on.find)
  const scrollTo = useEffectEvent(on.scrollTo)
  const onEnd = useEffectEvent(on.onEnd)
  useEffect(() => {
    const view = scroller.current
    if (target === undefined || !view) return
    let frame = 0
    let settled = 0
    let previousTop: number | undefined
    const step = (): void => {
      const place = find(target)
      if (place) {
        const { top } = view.getBoundingClientRect()
        const distance = place.getBoundingClientRect().top - top - view.clientHeight / 4
        // Near the ends of the conversation the view cannot scroll far enough.
        settled = Math.abs(distance) < 2 || view.scrollTop === previousTop ? settled + 1 : 0
        if (settled === settledFrames) return onEnd(true)
        previousTop = view.scrollTop
        scrollTo(view.scrollTop + distance)
      }
      frame = requestAnimationFrame(step)
    }
    step()
    const cancel = () => onEnd(false)
    const gestures = ['wheel', 'touchmove', 'pointerdown'] as const
    for (const gesture of gestures) view.addEventListener(gesture, cancel, { passive: true })
    return () => {
      cancelAnimationFrame(frame)
      for (const gesture of gestures) view.removeEventListener(gesture, cancel)
    }
  }, [scroller, target])
}
