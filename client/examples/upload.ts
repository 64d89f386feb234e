// Adds files to your library and shows the progress: node upload.ts report.pdf notes.md
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { createClient, createRunHub, ingestFold, uploadToLibrary } from '@gabee/client'

const client = createClient({
  baseUrl: process.env['GABEE_URL'] ?? 'http://127.0.0.1:8000',
  token: () => process.env['GABEE_API_KEY'],
})

const body = new FormData()
for (const path of process.argv.slice(2)) body.append('files', await openAsBlob(path), basename(path))
const upload = createRunHub(client).adopt(await client.open(uploadToLibrary, { body }), ingestFold)
upload.subscribe(() => {
  const { files } = upload.getSnapshot().value
  console.log(files.map(({ name, message }) => `${name}: ${message}`).join('\n'))
})
const { value, error } = await upload.ended
if (error ?? value.error ?? value.files.some(({ result }) => !result?.success)) process.exitCode = 1
