/** Documents with a format of their own, by the ending of their name. */
const documents: Record<string, string> = {
  pdf: 'pdf',
  docx: 'docx',
  docm: 'docx',
  dotx: 'docx',
  pptx: 'pptx',
  pptm: 'pptx',
  ppsx: 'pptx',
  xlsx: 'xlsx',
  xlsm: 'xlsx',
  odt: 'odt',
  ods: 'ods',
  odp: 'odp',
  epub: 'epub',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  md: 'md',
  markdown: 'md',
  mdx: 'md',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  eml: 'eml',
  json: 'json',
  txt: 'txt',
  text: 'txt',
  log: 'log',
  yml: 'yaml',
  yaml: 'yaml',
}

/** Text that is read as it is: its type is its ending. */
const texts =
  `rst adoc tex org bib srt vtt ics vcf jsonl ndjson toml ini cfg conf properties env xml xsd xsl svg sql
  js mjs cjs jsx ts mts cts tsx vue svelte astro css scss sass less graphql proto py pyi rb go rs java kt kts scala groovy
  gradle c h cc cpp cxx hpp hh cs fs vb php swift m mm dart lua pl pm r jl hs ml ex exs erl clj elm nim zig sol asm s
  sh bash zsh fish ps1 bat cmd tf hcl nix cmake mk diff patch`.split(/\s+/)

/** Files that are known by their whole name. */
const named = new Set(
  'readme license licence copying changelog authors contributors notice todo makefile dockerfile gemfile rakefile procfile'.split(
    ' ',
  ),
)

/** Pictures: known, so that their refusal can say what to do, but not read. */
const pictures = new Set('png jpg jpeg gif webp tif tiff bmp heic heif avif'.split(' '))

/** Documents of other programs: not read, but their refusal says what to save them as. */
const foreign = new Set('doc xls ppt msg rtf pages numbers key xlsb mobi azw3 ps'.split(' '))

const byEnding = new Map([...Object.entries(documents), ...texts.map((ending) => [ending, ending] as const)])

/** The endings, without a dot, of the files that can be read. */
export const supported: string[] = [...byEnding.keys()].sort()

function partsOf(filename: string): { name: string; dot: number; ending: string } {
  const name = filename
    .slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
    .toLowerCase()
  const dot = name.lastIndexOf('.')
  return { name, dot, ending: dot > 0 ? name.slice(dot + 1) : '' }
}

/** Whether a look into the file is worth it: it may be read, or what is said of it helps. A name that promises nothing may hold anything. */
export const isWorthReading = (filename: string): boolean =>
  typeOf(filename) !== undefined ||
  foreign.has(partsOf(filename).ending) ||
  !/^[^.\s]{1,12}$/.test(partsOf(filename).ending)

/** The type that a file's name promises; undefined for a name that promises nothing known. */
export function typeOf(filename: string): string | undefined {
  const { name, dot, ending } = partsOf(filename)
  if (pictures.has(ending)) return ending
  return (
    byEnding.get(ending) ??
    (named.has(dot > 0 ? name.slice(0, dot) : name) && ending === '' ? 'txt' : undefined)
  )
}

/** Types whose content is a container or starts with a signature, so that it cannot be mere text. */
export const binaryTypes = new Set(['pdf', 'docx', 'pptx', 'xlsx', 'odt', 'ods', 'odp', 'epub', ...pictures])
