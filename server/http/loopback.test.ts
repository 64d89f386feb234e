import { expect, test } from 'vitest'
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts'

test.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])(
  '%s is a loopback address',
  (address) => {
    expect(isLoopbackAddress(address)).toBe(true)
  },
)

test.each([
  '128.0.0.1',
  '0.0.0.0',
  '::',
  '::ffff:10.0.0.1',
  '10.0.0.1',
  '2001:db8::1',
  '',
  'localhost',
  '127.0.0.1.',
])('%s is not a loopback address', (address) => {
  expect(isLoopbackAddress(address)).toBe(false)
})

test.each(['localhost', 'LocalHost', 'localhost.', 'gabee.localhost', '127.0.0.1', '[::1]'])(
  '%s is a loopback name',
  (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  },
)

test.each(['localhost.example', 'notlocalhost', '127.0.0.1.example', '127.1.evil.example', '[::2]', ''])(
  '%s is not a loopback name',
  (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  },
)
