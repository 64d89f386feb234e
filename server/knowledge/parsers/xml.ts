import { SaxesParser } from 'saxes'
import { corrupt, UnreadableFileError } from './errors.ts'

export type Attributes = Record<string, string>
export type XmlEvents = {
  open?: (name: string, attributes: Attributes) => void
  text?: (text: string) => void
  close?: (name: string) => void
}

/** Parses XML as a stream, element names without prefixes. Entities other than the five predefined ones are an error. */
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
    reportMalformed(() => parser.write(decoder?.decode(chunk, { stream: true }) ?? ''))
  }
  if (decoder) reportMalformed(() => parser.write(decoder.decode()).close())
}

/** An element of a small part; `text` excludes the text of its children. */
export type XmlElement = { name: string; attributes: Attributes; text: string; children: XmlElement[] }

/** Parses a small part as a tree. The root that is returned contains the document's root element. */
export async function parseTree(chunks: AsyncIterable<Buffer>): Promise<XmlElement> {
  const root: XmlElement = { name: '', attributes: {}, text: '', children: [] }
  const open = [root]
  await parseXml(chunks, {
    open(name, attributes) {
      const element = { name, attributes, text: '', children: [] }
      open.at(-1)?.children.push(element)
      open.push(element)
    },
    text(text) {
      const element = open.at(-1)
      if (element) element.text += text
    },
    close: () => void open.pop(),
  })
  return root
}

/** Yields the elements of a name below an element, in document order. */
export function* descendants(element: XmlElement, name: string): Generator<XmlElement> {
  for (const child of element.children) {
    if (child.name === name) yield child
    yield* descendants(child, name)
  }
}

/** Returns the `val` attribute of the first element of a name below an element, as Word stores properties. */
export function valueOf(element: XmlElement | undefined, name: string): string | undefined {
  const [property] = element ? descendants(element, name) : []
  return property && attribute(property.attributes, 'val')
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

function reportMalformed(parse: () => void) {
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
