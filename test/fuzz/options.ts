/** Duration and seed, set by `npm run fuzz`; the test suite fuzzes a few cases of a fixed seed. */
const { FUZZ_MINUTES, FUZZ_SEED } = process.env
const seed = Number(FUZZ_SEED ?? 20_261_121)
const milliseconds = Number(FUZZ_MINUTES ?? 0) * 60_000

/** Parameters of `fc.assert`; `cases` is their number in the test suite. fast-check prints the seed of a failure. */
export const parametersFor = (cases: number) =>
  milliseconds > 0
    ? { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: milliseconds }
    : { seed, numRuns: cases }

export const timeout = milliseconds + 120_000
