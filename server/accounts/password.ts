import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { signInBusy } from './errors.ts'

const derive = promisify(argon2)

/** The argon2id minimum of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 iterations, 1 degree of parallelism. */
export const defaultHashParameters = { memory: 19_456, passes: 2, parallelism: 1 }
export type HashParameters = typeof defaultHashParameters

const tagLength = 32
const saltLength = 16
/** Leaves two of the four libuv pool threads to the file system. */
const maxConcurrent = 2
/** Per priority, so that unknown clients cannot fill the queue of known ones. */
const maxQueued = 100

/** Hashes passwords with argon2id into PHC strings, off the event loop and a few at a time. */
export function createPasswordHasher(current: HashParameters = defaultHashParameters) {
  const run = createQueue()

  const tag = (
    password: string,
    nonce: Buffer,
    { memory, passes, parallelism }: HashParameters,
    length: number,
    isPriority: boolean,
  ) => {
    // Operating systems encode some characters differently.
    const message = password.normalize('NFKC')
    const parameters: Argon2Parameters = { message, nonce, memory, passes, parallelism, tagLength: length }
    return run(() => derive('argon2id', parameters), isPriority)
  }

  return {
    async hash(password: string, { isPriority = false } = {}): Promise<string> {
      const salt = randomBytes(saltLength)
      return phcText(current, salt, await tag(password, salt, current, tagLength, isPriority))
    },

    /**
     * Compares a password with a stored hash; `outdated` means correct, but hashed with other parameters than the
     * current ones. A missing hash takes the same time, so that the duration does not reveal who has an account.
     * `isPriority` puts the work ahead of checks for unknown clients.
     */
    async verify(
      password: string,
      hash: string | null,
      { isPriority = false } = {},
    ): Promise<'wrong' | 'right' | 'outdated'> {
      const stored = hash === null ? null : parsePhc(hash)
      if (stored === null) {
        await tag(password, randomBytes(saltLength), current, tagLength, isPriority)
        return 'wrong'
      }
      const given = await tag(password, stored.salt, stored, stored.tag.length, isPriority)
      if (!timingSafeEqual(given, stored.tag)) return 'wrong'
      const { memory, passes, parallelism } = stored
      const isCurrent =
        memory === current.memory && passes === current.passes && parallelism === current.parallelism
      return isCurrent ? 'right' : 'outdated'
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

/** Runs a few tasks at once. Others wait, priority tasks first; a full queue rejects with 503. */
function createQueue() {
  let running = 0
  const priority: (() => void)[] = []
  const normal: (() => void)[] = []
  return async <Result>(task: () => Promise<Result>, isPriority: boolean): Promise<Result> => {
    if (running >= maxConcurrent) {
      const queue = isPriority ? priority : normal
      if (queue.length >= maxQueued) throw signInBusy()
      // The slot of the finished task goes to the next one, so `running` does not change.
      await new Promise<void>((resolve) => queue.push(resolve))
    } else {
      running++
    }
    try {
      return await task()
    } finally {
      const next = priority.shift() ?? normal.shift()
      if (next) next()
      else running--
    }
  }
}

export type PasswordHasher = ReturnType<typeof createPasswordHasher>
