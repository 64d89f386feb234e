import { describe, expect, test } from 'vitest'
import { type Visibility } from '../../contract/avees.ts'
import { type Layer, layers, layersWithin } from '../../contract/layers.ts'
import { canManage, visibleLayer } from './policy.ts'

const avee = { id: 'avee', ownerId: 'owner', isLibrary: false, visibility: 'public' as Visibility }
const person = (userId: string, aveeId: string | null = null) => ({ userId, aveeId })

test('a layer contains the ones before it', () => {
  expect(layers.map((layer) => layersWithin(layer))).toEqual([
    ['public'],
    ['public', 'friends'],
    ['public', 'friends', 'intimate'],
  ])
})

describe.each(['public', 'unlisted', 'private'] as const)('of a %s avee', (visibility) => {
  const looked = { ...avee, visibility }

  test('the owner sees everything, whatever was granted', () => {
    for (const granted of [null, ...layers])
      expect(visibleLayer(person('owner'), looked, granted)).toBe('intimate')
  })

  test('others see what was granted', () => {
    for (const granted of layers) expect(visibleLayer(person('other'), looked, granted)).toBe(granted)
  })

  test('without a grant others see the public part, or nothing', () => {
    expect(visibleLayer(person('other'), looked, null)).toBe(visibility === 'private' ? null : 'public')
  })

  test('a key for another avee sees nothing, not even as the owner', () => {
    for (const granted of [null, ...layers] as (Layer | null)[]) {
      for (const who of ['owner', 'other'])
        expect(visibleLayer(person(who, 'another'), looked, granted)).toBeNull()
      expect(visibleLayer(person('owner', 'avee'), looked, granted)).toBe('intimate')
    }
  })

  test('only the owner manages it, and not with a key for talking to it', () => {
    expect(canManage(person('owner'), looked)).toBe(true)
    expect(canManage(person('owner', 'avee'), looked)).toBe(false)
    expect(canManage(person('other'), looked)).toBe(false)
  })
})

test('a library is its owner’s alone, whatever was granted', () => {
  const library = { ...avee, isLibrary: true }
  expect(visibleLayer(person('owner'), library, null)).toBe('intimate')
  for (const granted of [null, ...layers]) expect(visibleLayer(person('other'), library, granted)).toBeNull()
})
