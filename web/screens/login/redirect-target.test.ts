import { expect, test } from 'vitest'
import { redirectTarget } from './redirect-target.ts'

test.each([
  ['', '/'],
  ['?next=%2Fchat%2Flocal%2F1%3Fa%3Db', '/chat/local/1?a=b'],
  ['?next=https%3A%2F%2Fexample.org', '/'],
  ['?next=%2F%2Fexample.org', '/'],
  ['?next=%2F%5Cexample.org', '/'],
  ['?next=%2Flogin%3Fnext%3D%2F', '/'],
])('redirects from /login%s to %s', (search, path) => {
  expect(redirectTarget(search)).toBe(path)
})
