/** Returns pgvector's text form of a dense vector, with the seven digits that a 32-bit float holds. */
export const vectorLiteral = (vector: Float32Array): string =>
  `[${Array.from(vector, (value) => +value.toPrecision(7)).join(',')}]`
