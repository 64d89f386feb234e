import type {
  OpenedPdf,
  PdfRequest,
  PdfRequestMessage,
  PdfResponseMessage,
  RenderedPage,
} from './worker-messages.ts'

/** Renders PDFs in a worker, with one file open at a time. The first request waits for the PDF library, about 2 MB. */
export function createPdfRenderer() {
  const worker = new Worker(new URL('./pdf-worker.ts', import.meta.url), { type: 'module' })
  const pending = new Map<number, PromiseWithResolvers<unknown>>()
  let lastId = 0
  worker.addEventListener('message', ({ data }: MessageEvent<PdfResponseMessage>) => {
    const request = pending.get(data.id)
    pending.delete(data.id)
    if ('result' in data) request?.resolve(data.result)
    else request?.reject(new Error(data.error))
  })
  worker.addEventListener('error', () => {
    for (const request of pending.values())
      request.reject(new Error('This browser cannot display PDF files.'))
    pending.clear()
  })

  function send<Result>(request: PdfRequest): Promise<Result> {
    const resolvers = Promise.withResolvers<Result>()
    lastId += 1
    pending.set(lastId, resolvers as PromiseWithResolvers<unknown>)
    worker.postMessage({ id: lastId, ...request } satisfies PdfRequestMessage)
    return resolvers.promise
  }

  return {
    /** @throws if the file cannot be loaded or opened. */
    open: (url: string) => send<OpenedPdf>({ type: 'open', url }),
    /** Renders a page of the open file `width` device pixels wide and locates the passage on it. */
    render: (page: number, width: number, passage: string | null, emphasized: string[]) =>
      send<RenderedPage>({ type: 'render', page, width, passage, emphasized }),
    close: () => worker.terminate(),
  }
}
export type PdfRenderer = ReturnType<typeof createPdfRenderer>
