/** Number of dimensions of the sparse vectors; indexes are 1 to this. pgvector allows up to 1,000,000,000. */
export const sparseDimensions = 1_000_000_000

/** Returns pgvector's text form of a dense vector, with the seven digits that a 32-bit float holds. */
export const vectorLiteral = (vector: Float32Array): string =>
  `[${Array.from(vector, (value) => +value.toPrecision(7)).join(',')}]`

/** Returns pgvector's text form of a sparse vector, `{index:value,…}/dimensions`, in ascending order of the indexes. */
export function sparseVectorLiteral(values: Map<number, number>): string {
  const entries: string[] = []
  for (const index of Int32Array.from(values.keys()).sort())
    entries.push(`${index}:${Math.round((values.get(index) ?? 0) * 10_000) / 10_000}`)
  return `{${entries.join(',')}}/${sparseDimensions}`
}

/** Parses pgvector's text form of a sparse vector into values by index. */
export function parseSparseVectorLiteral(literal: string): Map<number, number> {
  const values = new Map<number, number>()
  for (const entry of literal.slice(1, literal.lastIndexOf('}')).split(',')) {
    const [index, value] = entry.split(':')
    if (value !== undefined) values.set(Number(index), Number(value))
  }
  return values
}
