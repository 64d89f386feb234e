import { type ApiError, errorFromText, unreachable } from './client.ts'

export type UploadHandlers = {
  /** 0 to 1 of the bytes sent. */
  onProgress: (sent: number) => void
  signal: AbortSignal
}

/**
 * Sends one file and gives the id of the run that reads it into the store. XMLHttpRequest, as fetch does not tell how
 * much was sent. It lets go as soon as the run is known and the file is over: the run's events tell the rest.
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
      reject(new DOMException('The upload was stopped.', 'AbortError'))
    })
    const form = new FormData()
    // Fields first: the server knows them when the file begins.
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('files', file, file.name)
    request.send(form)
  })
}
