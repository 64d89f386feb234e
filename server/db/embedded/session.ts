import { Duplex } from 'node:stream'
import { RequestBuffer } from './requests.ts'

/** A connection of a session to the engine. */
export type EngineConnection = { send(request: Buffer): void; close(): void }

/**
 * A connection to the embedded engine with the interface of a socket, for the driver. `openConnection` resolves when the
 * engine accepts requests.
 */
export class Session extends Duplex {
  readonly #openConnection: (session: Session) => Promise<EngineConnection>
  readonly #requests = new RequestBuffer()
  #connection: EngineConnection | undefined

  constructor(openConnection: (session: Session) => Promise<EngineConnection>) {
    super({ decodeStrings: true })
    this.#openConnection = openConnection
  }

  connect(): this {
    this.#openConnection(this).then(
      (connection) => {
        if (this.destroyed) return connection.close()
        this.#connection = connection
        this.emit('connect')
      },
      (error: Error) => this.destroy(error),
    )
    return this
  }

  /** Passes a response of the engine to the driver. */
  receive(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.destroyed) this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#send(chunk)
    done()
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    done()
  }

  override _final(done: (error?: Error) => void): void {
    done()
    // The driver closes its side and waits until the other side is closed.
    this.destroy()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#connection?.close()
    this.#connection = undefined
    done(error)
  }

  /** The driver calls these methods of a socket; they have no effect. */
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  #send(written: Buffer): void {
    for (const request of this.#requests.add(written)) this.#connection?.send(request)
  }
}
