/** File extensions by document type. */
const extensions: Record<string, string> = {
  pdf: 'pdf',
  docx: 'docx docm dotx',
  pptx: 'pptx pptm ppsx',
  xlsx: 'xlsx xlsm',
  odt: 'odt',
  ods: 'ods',
  odp: 'odp',
  epub: 'epub',
  html: 'html htm xhtml',
  md: 'md markdown mdx',
  csv: 'csv',
  tsv: 'tsv tab',
  eml: 'eml',
  mbox: 'mbox mbx',
  msg: 'msg',
  rtf: 'rtf',
  doc: 'doc dot',
  xls: 'xls xlt',
  ppt: 'ppt pps pot',
  ipynb: 'ipynb',
  srt: 'srt',
  vtt: 'vtt',
  json: 'json',
  txt: 'txt text',
  log: 'log',
  yaml: 'yaml yml',
}

/** Plain text types, named by their extension. */
const plainTextExtensions =
  `rst adoc tex org bib ics vcf jsonl ndjson toml ini cfg conf properties env xml xsd xsl svg sql
  js mjs cjs jsx ts mts cts tsx vue svelte astro css scss sass less graphql proto py pyi rb go rs java kt kts scala groovy
  gradle c h cc cpp cxx hpp hh cs fs vb php swift m mm dart lua pl pm r jl hs ml ex exs erl clj elm nim zig sol asm s
  sh bash zsh fish ps1 bat cmd tf hcl nix cmake mk diff patch`.split(/\s+/)

/** Files that are recognized by their full name. */
const plainTextNames = new Set(
  'readme license licence copying changelog authors contributors notice todo makefile dockerfile gemfile rakefile procfile'.split(
    ' ',
  ),
)

/** Image types; without text recognition their error gives advice. */
const imageExtensions = new Set('png jpg jpeg gif webp tif tiff bmp heic heif avif'.split(' '))

/** Unsupported document types, whose error suggests a format to save them in. */
const unsupportedExtensions = new Set('pages numbers key xlsb mobi azw3 ps'.split(' '))

const typesByExtension = new Map([
  ...Object.entries(extensions).flatMap(([type, extensionList]) =>
    extensionList.split(' ').map((extension) => [extension, type] as const),
  ),
  ...plainTextExtensions.map((extension) => [extension, extension] as const),
])

/** Supported file extensions, without the dot. */
export const supported: string[] = [...typesByExtension.keys()].sort()

function partsOf(filename: string): { name: string; dot: number; extension: string } {
  const name = filename
    .slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
    .toLowerCase()
  const dot = name.lastIndexOf('.')
  return { name, dot, extension: dot > 0 ? name.slice(dot + 1) : '' }
}

/** Returns whether to parse a file: its type is supported or unknown, or its error gives advice. */
export const isWorthParsing = (filename: string): boolean =>
  typeOf(filename) !== undefined ||
  unsupportedExtensions.has(partsOf(filename).extension) ||
  !/^[^.\s]{1,12}$/.test(partsOf(filename).extension)

/** Returns the type that a file name implies; undefined for an unknown extension. */
export function typeOf(filename: string): string | undefined {
  const { name, dot, extension } = partsOf(filename)
  if (imageExtensions.has(extension)) return extension
  return (
    typesByExtension.get(extension) ??
    (plainTextNames.has(dot > 0 ? name.slice(0, dot) : name) && extension === '' ? 'txt' : undefined)
  )
}

/** Binary types: containers or formats with a signature, which cannot be plain text. */
export const binaryTypes = new Set([
  'pdf',
  'docx',
  'pptx',
  'xlsx',
  'odt',
  'ods',
  'odp',
  'epub',
  'msg',
  'rtf',
  'doc',
  'xls',
  'ppt',
  ...imageExtensions,
])
