import * as z from 'zod/mini'

export type DiagramRequest = { source: string; isDark: boolean }

const maxSourceCharacters = 10_000
const maxSvgCharacters = 2_000_000
const drawMs = 8_000
const loadMs = 30_000
const idleMs = 60_000
const maxWaiting = 50

const side = z.number().check(z.positive(), z.maximum(20_000))
const drawing = z.object({
  svg: z.string().check(z.maxLength(maxSvgCharacters)),
  width: side,
  height: side,
  /** The title in the source for screen readers; empty without one. */
  title: z.string().check(z.maxLength(1_000)),
})
export type Drawing = z.infer<typeof drawing>
export type DiagramResult = Drawing | 'invalid' | 'too_large'

let frame: Promise<HTMLIFrameElement> | undefined
let idleTimer: ReturnType<typeof setTimeout>
let waiting = 0
let last: Promise<unknown> = Promise.resolve()

/** Draws a diagram as an SVG image, one at a time. Returns undefined if the frame that draws cannot be loaded. */
export async function drawDiagram(request: DiagramRequest): Promise<DiagramResult | undefined> {
  if (request.source.length > maxSourceCharacters || waiting >= maxWaiting) return 'too_large'
  waiting += 1
  clearTimeout(idleTimer)
  const drawn = last.then(() => drawInFrame(request))
  last = drawn
  const result = await drawn
  waiting -= 1
  if (waiting === 0) idleTimer = setTimeout(closeFrame, idleMs)
  return result
}

async function drawInFrame(request: DiagramRequest): Promise<DiagramResult | undefined> {
  frame ??= openFrame()
  const element = await frame.catch(() => undefined)
  if (!element) {
    closeFrame()
    return undefined
  }
  element.contentWindow?.postMessage(request, '*')
  try {
    const message = await messageFrom(element, drawMs)
    if (message === 'invalid') return message
    return drawing.safeParse(message).data ?? 'too_large'
  } catch {
    closeFrame()
    return 'too_large'
  }
}

async function openFrame(): Promise<HTMLIFrameElement> {
  const element = document.createElement('iframe')
  element.sandbox.add('allow-scripts')
  // The development server does not send scripts to a frame with an opaque origin.
  if (import.meta.env.DEV) element.sandbox.add('allow-same-origin')
  element.src = '/diagram.html'
  element.className = 'diagram-frame'
  element.ariaHidden = 'true'
  element.tabIndex = -1
  const isReady = messageFrom(element, loadMs)
  document.body.append(element)
  await isReady
  return element
}

function closeFrame(): void {
  frame = undefined
  document.querySelector('.diagram-frame')?.remove()
}

/** Returns the next message of a frame. Rejects after a timeout. */
function messageFrom(element: HTMLIFrameElement, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const receive = ({ source, data }: MessageEvent<unknown>): void => {
      if (source !== element.contentWindow) return
      finish()
      resolve(data)
    }
    const timer = setTimeout(() => {
      finish()
      reject(new Error('The frame of diagrams does not answer.'))
    }, timeoutMs)
    const finish = (): void => {
      clearTimeout(timer)
      removeEventListener('message', receive)
    }
    addEventListener('message', receive)
  })
}
