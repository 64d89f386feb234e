import { expect, test } from 'vitest'
import { redirectTarget, requestedAvee } from './redirect-target.ts'

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

test.each([
  ['?next=%2Fchat%2Fada%2F1', 'ada'],
  ['?next=%2Favee%2Fada', 'ada'],
  ['?next=%2Fchat%2Flocal', undefined],
  ['?next=%2Flibrary', undefined],
  ['?next=%2F%2Fchat%2Fada', undefined],
])('finds the avee that %s leads to', (search, handle) => {
  expect(requestedAvee(search)).toBe(handle)
})
