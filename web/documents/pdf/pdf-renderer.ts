import type { OpenedPdf, PdfRequest, PdfRequestBody, PdfResponse, RenderedPage } from './worker-messages.ts'

/** A worker that draws PDFs, with one file open at a time. Its first file waits for the library, of some two megabytes. */
export function createPdfRenderer() {
  const worker = new Worker(new URL('./pdf-worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let asked = 0
  worker.addEventListener('message', ({ data }: MessageEvent<PdfResponse>) => {
    const question = waiting.get(data.n)
    waiting.delete(data.n)
    if ('answer' in data) question?.resolve(data.answer)
    else question?.reject(new Error(data.problem))
  })
  worker.addEventListener('error', () => {
    for (const question of waiting.values())
      question.reject(new Error('PDFs cannot be drawn in this browser.'))
    waiting.clear()
  })

  function ask<Answer>(question: PdfRequestBody): Promise<Answer> {
    const resolvers = Promise.withResolvers<Answer>()
    asked += 1
    waiting.set(asked, resolvers as PromiseWithResolvers<unknown>)
    worker.postMessage({ n: asked, ...question } satisfies PdfRequest)
    return resolvers.promise
  }

  return {
    /** @throws when the file cannot be fetched or opened. */
    open: (url: string) => ask<OpenedPdf>({ ask: 'open', url }),
    /** A page of the open file, `width` device pixels wide. */
    page: (page: number, width: number, passage: string | null, telling: string[]) =>
      ask<RenderedPage>({ ask: 'page', page, width, passage, telling }),
    close: () => worker.terminate(),
  }
}
export type PdfRenderer = ReturnType<typeof createPdfRenderer>
