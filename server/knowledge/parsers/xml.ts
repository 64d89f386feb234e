import { SaxesParser } from 'saxes'
import { corrupt, UnreadableFileError } from './errors.ts'

export type Attributes = Record<string, string>
export type XmlEvents = {
  open?: (name: string, attributes: Attributes) => void
  text?: (text: string) => void
  close?: (name: string) => void
}

/**
 * Parses XML as a stream. Element names come without their prefix. Entities other than the five predefined
 * ones are an error, so nothing is ever expanded or fetched.
 */
export async function parseXml(chunks: AsyncIterable<Buffer>, events: XmlEvents): Promise<void> {
  const names = new Map<string, string>()
  const local = (name: string) => {
    const known = names.get(name)
    if (known !== undefined) return known
    const short = name.slice(name.indexOf(':') + 1)
    names.set(name, short)
    return short
  }
  const parser = new SaxesParser({ position: false, xmlns: false })
  parser.on('opentag', ({ name, attributes }) => events.open?.(local(name), attributes))
  parser.on('closetag', ({ name }) => events.close?.(local(name)))
  parser.on('text', (text) => events.text?.(text))
  parser.on('cdata', (text) => events.text?.(text))
  let decoder: TextDecoder | undefined
  for await (const chunk of chunks) {
    decoder ??= new TextDecoder(encodingOf(chunk))
    wellFormed(() => parser.write(decoder?.decode(chunk, { stream: true }) ?? ''))
  }
  if (decoder) wellFormed(() => parser.write(decoder.decode()).close())
}

/** Returns an attribute by its local name; an unprefixed one takes precedence. */
export function attribute(attributes: Attributes, name: string): string | undefined {
  return attributes[name] ?? prefixed(attributes, name)
}

/** Returns an attribute that must have a prefix: `r:id` beside `id`. */
export function prefixed(attributes: Attributes, name: string): string | undefined {
  const key = Object.keys(attributes).find((key) => key.endsWith(`:${name}`))
  return key === undefined ? undefined : attributes[key]
}

function wellFormed(parse: () => void) {
  try {
    parse()
  } catch (error) {
    throw error instanceof UnreadableFileError ? error : corrupt('its inner text is not well-formed')
  }
}

const encodingOf = (head: Buffer) =>
  head[0] === 0xff && head[1] === 0xfe
    ? 'utf-16le'
    : head[0] === 0xfe && head[1] === 0xff
      ? 'utf-16be'
      : 'utf-8'
