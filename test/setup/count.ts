import type { Reporter, TestModule } from 'vitest/node'

/**
 * Sends the number of passed and failed tests to the parent process. Suites that could not run and errors outside of
 * tests count as failed; in CI, skipped tests do too.
 */
export default class TestCountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const inState = (state: string) => tests.filter((test) => test.result().state === state).length
    const skipped = process.env['CI'] === 'true' ? inState('skipped') : 0
    const broken = suites.filter((suite) => suite.errors().length > 0).length
    const failed = inState('failed') + inState('pending') + skipped + broken + errors.length
    process.send?.({ tests: { passed: inState('passed'), failed } })
  }
}
