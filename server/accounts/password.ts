import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { signInBusy } from './errors.ts'

const derive = promisify(argon2)

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
export const defaultHashParameters = { memory: 19_456, passes: 2, parallelism: 1 }
export type HashParameters = typeof defaultHashParameters

const tagLength = 32
const saltLength = 16
/** Hashing shares the process' four pool threads with the file system. */
const atOnce = 2
const mostWaiting = 100

/** Passwords as argon2id in PHC text. Hashing is done off the event loop, a few at a time. */
export function createPasswordHasher(wanted: HashParameters = defaultHashParameters) {
  const run = takingTurns()

  const tag = (
    password: string,
    nonce: Buffer,
    { memory, passes, parallelism }: HashParameters,
    length: number,
  ) => {
    // The same characters typed on different systems may be composed differently.
    const message = password.normalize('NFKC')
    const parameters: Argon2Parameters = { message, nonce, memory, passes, parallelism, tagLength: length }
    return run(() => derive('argon2id', parameters))
  }

  return {
    async hash(password: string): Promise<string> {
      const salt = randomBytes(saltLength)
      return phcText(wanted, salt, await tag(password, salt, wanted, tagLength))
    },

    /**
     * Whether the password is the one that was hashed; `outdated` when it is, but the hash is weaker than those made
     * now. A person without a hash costs the same time, so that nobody learns from it who has an account.
     */
    async verify(password: string, hash: string | null): Promise<'wrong' | 'right' | 'outdated'> {
      const stored = hash === null ? null : parsePhc(hash)
      if (stored === null) {
        await tag(password, randomBytes(saltLength), wanted, tagLength)
        return 'wrong'
      }
      const given = await tag(password, stored.salt, stored, stored.tag.length)
      if (!timingSafeEqual(given, stored.tag)) return 'wrong'
      const { memory, passes, parallelism } = stored
      const same = memory === wanted.memory && passes === wanted.passes && parallelism === wanted.parallelism
      return same ? 'right' : 'outdated'
    },
  }
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')

const phcText = ({ memory, passes, parallelism }: HashParameters, salt: Buffer, tag: Buffer) =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`

function parsePhc(text: string): (HashParameters & { salt: Buffer; tag: Buffer }) | null {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(text)
  if (!parts) return null
  const [, memory, passes, parallelism, salt = '', tag = ''] = parts
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

/** Runs a few works at once; the others wait in line, and beyond a bound they are refused. */
function takingTurns() {
  let running = 0
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= atOnce) {
      if (waiting.length >= mostWaiting) throw signInBusy()
      // Who leaves hands its place on, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      running++
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
