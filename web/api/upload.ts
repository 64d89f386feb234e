import { type ApiError, errorFromText, unreachable } from '../../client/index.ts'

export type UploadHandlers = {
  /** Called with the share of bytes sent, 0 to 1. */
  onProgress: (sent: number) => void
  signal: AbortSignal
}

/**
 * Uploads one file and returns the id of its run. Uses XMLHttpRequest because fetch reports no upload progress. Ends
 * the request as soon as the file is sent and the id of the run is known; the events of the run report the rest.
 */
export function uploadFile(
  url: string,
  file: File,
  fields: Record<string, string>,
  { onProgress, signal }: UploadHandlers,
): Promise<string> {
  return new Promise((resolve, reject: (error: ApiError | DOMException) => void) => {
    const request = new XMLHttpRequest()
    let isSent = false
    const settle = (): void => {
      if (request.readyState < XMLHttpRequest.HEADERS_RECEIVED || request.status >= 400) return
      const runId = request.getResponseHeader('X-Run-Id')
      if (!isSent || !runId) return
      resolve(runId)
      request.abort()
    }
    request.open('POST', url)
    request.upload.onprogress = (event) => onProgress(event.total > 0 ? event.loaded / event.total : 0)
    request.upload.onload = () => {
      isSent = true
      settle()
    }
    request.onreadystatechange = settle
    request.onload = () => {
      if (request.status >= 400)
        reject(errorFromText(request.status, request.responseText, (name) => request.getResponseHeader(name)))
      else reject(errorFromText(502, '', () => null))
    }
    request.onerror = () => reject(unreachable())
    signal.addEventListener('abort', () => {
      request.abort()
      reject(new DOMException('The upload was cancelled.', 'AbortError'))
    })
    const form = new FormData()
    // Fields are sent before the file, because the server needs them first.
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('files', file, file.name)
    request.send(form)
  })
}
