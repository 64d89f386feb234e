export type Sample = { name: string; labels: Record<string, string>; value: number }
export type Family = { type: string; help: string; samples: Sample[] }

const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"/y
const suffixes: Record<string, string[]> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/**
 * Parses Prometheus' text format by its rules
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format): each family once, with HELP and TYPE
 * before its samples, no series twice, and cumulative buckets that end with the count. @throws Error with the line
 */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.')
  const families = new Map<string, Family>()
  const series = new Set<string>()
  let name = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (problem: string) => new Error(`${problem}: ${line}`)
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    if (line === '' || (line.startsWith('#') && !comment)) continue
    if (comment) {
      const [, kind, of = '', value = ''] = comment
      if (kind === 'HELP' && families.has(of)) throw fail('A family is there twice')
      if (kind === 'HELP') families.set(of, { type: '', help: value, samples: [] })
      const family = families.get(of)
      if (!family || (kind === 'TYPE' && (family.type !== '' || of !== name))) throw fail('TYPE follows HELP')
      if (kind === 'TYPE') family.type = value
      name = of
      continue
    }
    const [, sampleName = '', , list = '', number = ''] =
      /^([a-zA-Z_:][\w:]*)(\{(.*)\})? (NaN|[+-]Inf|[-+\d.eE]+)$/i.exec(line) ?? []
    const family = families.get(name)
    if (!family || !suffixes[family.type]?.some((suffix) => sampleName === name + suffix))
      throw fail('A sample is outside its family')
    const labels: Record<string, string> = {}
    label.lastIndex = 0
    while (label.lastIndex < list.length) {
      const [, key = '', value = ''] = label.exec(list) ?? []
      if (key === '' || key in labels) throw fail('Labels are malformed')
      labels[key] = value
      if (list[label.lastIndex] === ',') label.lastIndex += 1
    }
    const id = sampleName + JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b)))
    if (series.has(id)) throw fail('A series is there twice')
    series.add(id)
    const value = Number(number.replace('Inf', 'Infinity'))
    if (family.type === 'counter' && !(value >= 0)) throw fail('A counter is negative')
    family.samples.push({ name: sampleName, labels, value })
  }
  for (const [of, { type, samples }] of families) {
    if (type === 'counter' && !of.endsWith('_total')) throw new Error(`${of} is a counter without _total.`)
    if (type === 'histogram') checkBuckets(of, samples)
  }
  return families
}

function checkBuckets(name: string, samples: Sample[]): void {
  const last = new Map<string, { value: number; le: number }>()
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    const id = JSON.stringify(labels)
    const before = last.get(id) ?? { value: 0, le: Number.NEGATIVE_INFINITY }
    if (sample.name === `${name}_bucket`) {
      const bound = Number(le?.replace('Inf', 'Infinity'))
      if (sample.value < before.value || !(bound > before.le))
        throw new Error(`${name} has buckets that are not cumulative.`)
      last.set(id, { value: sample.value, le: bound })
    } else if (
      sample.name === `${name}_count` &&
      (sample.value !== before.value || before.le !== Number.POSITIVE_INFINITY)
    )
      throw new Error(`${name} has a count that is not its last bucket.`)
  }
}

/** Adds up the samples of a metric that have these labels. */
export function sumOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const all = [...families.values()].flatMap(({ samples }) => samples)
  const found = all.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}
