// Asks an avee and prints the answer while it is written: node ask.ts ada "When does the lease end?"
import {
  answerFold,
  createClient,
  createConversation,
  createRunHub,
  sendOnce,
  streamAnswer,
} from '@gabee/client'

const [avee = 'local', question = 'What is in my documents?'] = process.argv.slice(2)
const client = createClient({
  baseUrl: process.env['GABEE_URL'] ?? 'http://127.0.0.1:8000',
  token: () => process.env['GABEE_API_KEY'],
})

const conversation = await client.call(createConversation, { body: { avee } })
const response = await sendOnce((idempotencyKey) =>
  client.open(streamAnswer, { body: { conversation_id: conversation.id, question }, idempotencyKey }),
)
const answer = createRunHub(client).adopt(response, answerFold)
let printed = 0
answer.subscribe(() => {
  const { text } = answer.getSnapshot().value
  process.stdout.write(text.slice(printed))
  printed = text.length
})
const { value, error } = await answer.ended
console.log()
for (const citation of value.citations)
  if (citation.status === 'available' && citation.cited) console.log(`[${citation.n}] ${citation.title}`)
if (error ?? value.error) process.exitCode = 1
