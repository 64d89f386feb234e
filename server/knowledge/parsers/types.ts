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
  json: 'json',
  txt: 'txt text',
  log: 'log',
  yaml: 'yaml yml',
}

/** Plain text types, named by their extension. */
const texts =
  `rst adoc tex org bib srt vtt ics vcf jsonl ndjson toml ini cfg conf properties env xml xsd xsl svg sql
  js mjs cjs jsx ts mts cts tsx vue svelte astro css scss sass less graphql proto py pyi rb go rs java kt kts scala groovy
  gradle c h cc cpp cxx hpp hh cs fs vb php swift m mm dart lua pl pm r jl hs ml ex exs erl clj elm nim zig sol asm s
  sh bash zsh fish ps1 bat cmd tf hcl nix cmake mk diff patch`.split(/\s+/)

/** Files recognized by their full name. */
const named = new Set(
  'readme license licence copying changelog authors contributors notice todo makefile dockerfile gemfile rakefile procfile'.split(
    ' ',
  ),
)

/** Image types: known, so that their error can give advice. */
const pictures = new Set('png jpg jpeg gif webp tif tiff bmp heic heif avif'.split(' '))

/** Unsupported document types, whose error says which format to save them as. */
const foreign = new Set('doc xls ppt msg rtf pages numbers key xlsb mobi azw3 ps'.split(' '))

const byEnding = new Map([
  ...Object.entries(extensions).flatMap(([type, endings]) =>
    endings.split(' ').map((ending) => [ending, type] as const),
  ),
  ...texts.map((ending) => [ending, ending] as const),
])

/** Supported file extensions, without the dot. */
export const supported: string[] = [...byEnding.keys()].sort()

function partsOf(filename: string): { name: string; dot: number; ending: string } {
  const name = filename
    .slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
    .toLowerCase()
  const dot = name.lastIndexOf('.')
  return { name, dot, ending: dot > 0 ? name.slice(dot + 1) : '' }
}

/**
 * Returns whether to parse a file: its type is supported, or its error gives advice. A name without a known
 * extension may contain anything.
 */
export const isWorthParsing = (filename: string): boolean =>
  typeOf(filename) !== undefined ||
  foreign.has(partsOf(filename).ending) ||
  !/^[^.\s]{1,12}$/.test(partsOf(filename).ending)

/** Returns the type that a file name implies; undefined for an unknown extension. */
export function typeOf(filename: string): string | undefined {
  const { name, dot, ending } = partsOf(filename)
  if (pictures.has(ending)) return ending
  return (
    byEnding.get(ending) ??
    (named.has(dot > 0 ? name.slice(0, dot) : name) && ending === '' ? 'txt' : undefined)
  )
}

/** Binary types: containers or formats with a signature, which cannot be plain text. */
export const binaryTypes = new Set(['pdf', 'docx', 'pptx', 'xlsx', 'odt', 'ods', 'odp', 'epub', ...pictures])
