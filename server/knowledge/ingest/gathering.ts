/** Lets participants continue together: when nobody is missing any more, or `maxMs` after the first began to wait. */
export function gathering(maxMs: number) {
  let missing = 0
  let meeting = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined

  function proceed(): void {
    clearTimeout(timer)
    timer = undefined
    meeting.resolve()
    meeting = Promise.withResolvers()
  }

  return {
    join() {
      missing += 1
      let isMissing = true
      /** The others wait no longer for this participant. */
      function leave(): void {
        if (isMissing) missing -= 1
        isMissing = false
        if (missing === 0) proceed()
      }
      return {
        leave,
        async wait(): Promise<void> {
          const { promise } = meeting
          timer ??= setTimeout(proceed, maxMs)
          leave()
          await promise
        },
      }
    },
  }
}

export type Gathering = ReturnType<typeof gathering>
