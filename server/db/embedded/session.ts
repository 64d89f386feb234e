import { Duplex } from 'node:stream'
import { Units } from './units.ts'

/** Where a session's units go. */
export type Served = { send(unit: Buffer): void; left(): void }

/**
 * One connection to the embedded engine, in the shape of a socket that the driver opens and writes to.
 * `serve` waits until the engine can take units.
 */
export class Session extends Duplex {
  readonly #serve: (session: Session) => Promise<Served>
  readonly #units = new Units()
  #served: Served | undefined

  constructor(serve: (session: Session) => Promise<Served>) {
    super({ decodeStrings: true })
    this.#serve = serve
  }

  connect(): this {
    this.#serve(this).then(
      (served) => {
        if (this.destroyed) return served.left()
        this.#served = served
        this.emit('connect')
      },
      (error: Error) => this.destroy(error),
    )
    return this
  }

  /** Hands an answer of the engine to the driver. */
  answer(bytes: Uint8Array<ArrayBuffer>): void {
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
    // The driver ends its side and waits for the other's end.
    this.destroy()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#served?.left()
    this.#served = undefined
    done(error)
  }

  /** As of a socket, which these are set on; there is none. */
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
    for (const unit of this.#units.add(written)) this.#served?.send(unit)
  }
}
