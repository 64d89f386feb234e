import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'

const user = 'gabee'
const password = 'the password of the mail server'

/** A mail server on a real socket. */
export type MailServer = {
  /** With its credentials. */
  readonly url: string
  /** The received mails, the oldest first. */
  readonly mails: Email[]
  /** Whether to refuse all mails. */
  isRefusing: boolean
  [Symbol.asyncDispose](): Promise<void>
}

export async function startMailServer(): Promise<MailServer> {
  const mails: Email[] = []
  const server = new SMTPServer({
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: (auth, _session, done) => {
      const isRight = auth.username === user && auth.password === password
      if (isRight) done(null, { user })
      else done(new Error('Wrong credentials'))
    },
    onMailFrom: (_address, _session, done) => done(mailServer.isRefusing ? new Error('No mails now') : null),
    onData: (stream, _session, respond) => {
      new Response(stream as unknown as BodyInit)
        .arrayBuffer()
        .then((bytes) => PostalMime.parse(bytes))
        .then((mail) => mails.push(mail))
        .then(() => respond(), respond)
    },
  })
  // A client that closes its socket early is not an error of the test.
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const mailServer: MailServer = {
    url: `smtp://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    mails,
    isRefusing: false,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(resolve)),
  }
  return mailServer
}
