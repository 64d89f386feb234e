import { describe, expect, test } from 'vitest'
import { type Visibility } from '../../contract/avees.ts'
import { type Layer, layers, layersWithin } from '../../contract/layers.ts'
import { canManage, visibleLayer } from './policy.ts'

const avee = { id: 'avee', ownerId: 'owner', isLibrary: false, visibility: 'public' as Visibility }
const person = (userId: string, aveeId: string | null = null) => ({ userId, aveeId })

test('a layer includes the layers before it', () => {
  expect(layers.map((layer) => layersWithin(layer))).toEqual([
    ['public'],
    ['public', 'friends'],
    ['public', 'friends', 'intimate'],
  ])
})

describe.each(['public', 'unlisted', 'private'] as const)('visibility %s', (visibility) => {
  const subject = { ...avee, visibility }

  test('gives the owner access to all layers', () => {
    for (const granted of [null, ...layers])
      expect(visibleLayer(person('owner'), subject, granted)).toBe('intimate')
  })

  test('gives others the granted layer', () => {
    for (const granted of layers) expect(visibleLayer(person('other'), subject, granted)).toBe(granted)
  })

  test('gives others without a grant the public layer or nothing', () => {
    expect(visibleLayer(person('other'), subject, null)).toBe(visibility === 'private' ? null : 'public')
  })

  test('gives a key of another avee no access, even one of the owner', () => {
    for (const granted of [null, ...layers] as (Layer | null)[]) {
      for (const who of ['owner', 'other'])
        expect(visibleLayer(person(who, 'another'), subject, granted)).toBeNull()
      expect(visibleLayer(person('owner', 'avee'), subject, granted)).toBe('intimate')
    }
  })

  test('lets only the owner manage it, without a restricted key', () => {
    expect(canManage(person('owner'), subject)).toBe(true)
    expect(canManage(person('owner', 'avee'), subject)).toBe(false)
    expect(canManage(person('other'), subject)).toBe(false)
  })
})

test('a library is visible only to its owner', () => {
  const library = { ...avee, isLibrary: true }
  expect(visibleLayer(person('owner'), library, null)).toBe('intimate')
  for (const granted of [null, ...layers]) expect(visibleLayer(person('other'), library, granted)).toBeNull()
})
