import { expect, test } from 'vitest'
import { calculate } from './calculate.ts'

test.each([
  ['2 + 3 * 4', 14],
  ['(2 + 3) * 4', 20],
  ['-3^2', -9],
  ['2^3^2', 512],
  ['2 ** -1', 0.5],
  ['10 / 4 - 1', 1.5],
  ['10 - 4 - 3', 3],
  ['0.1 + 0.2', 0.3],
  ['1.5e3 % 7', 2],
  ['sqrt(16) + max(1, 2, 3)', 7],
  ['round(2.345, 2)', 2.35],
  ['log(1000) + ln(e)', 4],
  ['2 * PI', 6.28318530717959],
])('%s is %d', (expression, value) => expect(calculate(expression)).toBe(value))

test.each([
  ['', /incomplete/],
  ['2 +', /incomplete/],
  ['(2', /"\)" is missing/],
  ['2 3', /"3" is not expected/],
  ['2; 3', /";" is not allowed/],
  ['constructor(1)', /"constructor" is not known/],
  ['__proto__', /"_" is not allowed/],
  ['1 / 0', /not a finite number/],
  ['9^9^9^9', /not a finite number/],
])('%s is refused', (expression, problem) => expect(() => calculate(expression)).toThrow(problem))
