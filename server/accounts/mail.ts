import { createTransport } from 'nodemailer'
import { mailNotSent } from './errors.ts'
import { loginLink } from './login-link.ts'

const timeoutMs = 20_000

export type MailSettings = {
  /** The SMTP server, with credentials. */
  url: string
  from: string
  /** The address of this server, for links. */
  publicUrl: string
}

/** Sends mails with links to the login page. @throws 502 if the mail server does not accept one */
export function createMail({ url, from, publicUrl }: MailSettings) {
  const timeouts = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs }
  const transport = createTransport({ url, ...timeouts })

  async function send(to: string, subject: string, paragraphs: string[]): Promise<void> {
    try {
      await transport.sendMail({ from, to, subject, text: `${paragraphs.join('\n\n')}\n` })
    } catch (thrown) {
      // The message of the mail server may repeat the address.
      const { code, responseCode } = thrown as { code?: string; responseCode?: number }
      throw mailNotSent([code, responseCode].filter(Boolean).join(' '))
    }
  }

  return {
    async sendInvitation(to: string, token: string): Promise<void> {
      await send(to, 'Your invitation to Gabee', [
        `You are invited to create an account on Gabee at ${publicUrl}. Open this link, which works once:`,
        loginLink(publicUrl, { invitation: token }),
        'If you did not expect this mail, ignore it.',
      ])
    },

    async sendPasswordReset(to: string, token: string): Promise<void> {
      await send(to, 'Set a new password for Gabee', [
        `Somebody asked for a new password for your account on Gabee at ${publicUrl}. Set it with this link, which works once within an hour:`,
        loginLink(publicUrl, { reset: token }),
        'If it was not you, ignore this mail: your password does not change.',
      ])
    },
  }
}

export type Mail = ReturnType<typeof createMail>
