const functions: Record<string, (...values: number[]) => number> = {
  abs: Math.abs,
  ceil: Math.ceil,
  cos: Math.cos,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log: Math.log10,
  max: Math.max,
  min: Math.min,
  round: (value, digits = 0) => Number(`${Math.round(Number(`${value}e${digits}`))}e${-digits}`),
  sin: Math.sin,
  sqrt: Math.sqrt,
  tan: Math.tan,
}
const constants: Record<string, number> = { pi: Math.PI, e: Math.E }

/**
 * Operator precedence; exponentiation is right-associative and has a higher precedence than a sign, as in mathematics:
 * −3² is −9.
 */
const operators: Record<string, { power: number; apply: (a: number, b: number) => number }> = {
  '+': { power: 1, apply: (a, b) => a + b },
  '-': { power: 1, apply: (a, b) => a - b },
  '*': { power: 2, apply: (a, b) => a * b },
  '/': { power: 2, apply: (a, b) => a / b },
  '%': { power: 2, apply: (a, b) => a % b },
  '^': { power: 4, apply: (a, b) => a ** b },
}
const signPower = 3
const token = /\s*(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+|[a-z]+\d*|\*\*|[-+*/%^(),])/iy

/** Evaluates an arithmetic expression (precedence climbing). @throws Error that describes the problem in a sentence */
export function calculate(expression: string): number {
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < expression.trimEnd().length) {
    const at = token.lastIndex
    const found = token.exec(expression)?.[1]
    if (found === undefined) throw new Error(`"${expression.slice(at).trim()[0]}" is not allowed here.`)
    tokens.push(found === '**' ? '^' : found.toLowerCase())
  }
  let at = 0
  const expect = (wanted: string) => {
    if (tokens[at++] !== wanted) throw new Error(`"${wanted}" is missing.`)
  }

  function operand(): number {
    const next = tokens[at++] ?? ''
    if (next === '-') return -climb(signPower)
    if (next === '+') return climb(signPower)
    if (/^[\d.]/.test(next)) return Number(next)
    if (next === '(') {
      const value = climb(0)
      expect(')')
      return value
    }
    const apply = Object.hasOwn(functions, next) ? functions[next] : undefined
    if (apply) {
      expect('(')
      const values = [climb(0)]
      while (tokens[at] === ',') {
        at += 1
        values.push(climb(0))
      }
      expect(')')
      return apply(...values)
    }
    if (Object.hasOwn(constants, next)) return constants[next] ?? 0
    throw new Error(next === '' ? 'The expression is incomplete.' : `"${next}" is not known here.`)
  }

  /** Evaluates an operand with the following operators of a higher precedence than `power`. */
  function climb(power: number): number {
    let value = operand()
    for (;;) {
      const operator = operators[tokens[at] ?? '']
      if (!operator || operator.power <= power) return value
      at += 1
      value = operator.apply(value, climb(Math.min(operator.power, signPower)))
    }
  }

  const value = climb(0)
  if (at < tokens.length) throw new Error(`"${tokens[at]}" is not expected here.`)
  if (!Number.isFinite(value)) throw new Error('The result is not a finite number.')
  // Drops the last digit, which binary fractions make inexact: 0.1 + 0.2 is 0.3.
  return Number(value.toPrecision(15))
}
