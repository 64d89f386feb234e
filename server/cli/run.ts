import { type Client, createRunHub, type Fold } from '../../client/index.ts'
import type { Terminal } from './terminal.ts'

/** Follows the run that a request started to its end and resumes lost connections. @throws ApiError */
export async function followRun<T>(
  client: Client,
  terminal: Terminal,
  response: Response,
  fold: Fold<T>,
  onChange: (value: T) => void,
): Promise<T> {
  const run = createRunHub(client).adopt(response, fold)
  let isLost = false
  run.subscribe(() => {
    const { value, connection } = run.getSnapshot()
    if (connection === 'reconnecting' && !isLost) terminal.note('The connection was lost; reconnecting …')
    isLost = connection === 'reconnecting'
    onChange(value)
  })
  const { value, error } = await run.ended
  if (error !== undefined) throw error
  return value
}
