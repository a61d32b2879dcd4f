import { describe, expect, it } from 'vitest'
import {
  describeLocation,
  isLocalServer,
  resolveLocation,
  withoutPassword,
} from '../../src/database/location.ts'

describe('resolveLocation', () => {
  it.each([
    [{}, { kind: 'embedded', dataDir: '.opa' }],
    [{ OPA_DATA_DIR: '/data/opa' }, { kind: 'embedded', dataDir: '/data/opa' }],
    [
      { DATABASE_URL: 'postgres://u:p@h/d', POSTGRES_HOST: 'other', OPA_DATA_DIR: 'x' },
      { kind: 'server', url: 'postgres://u:p@h/d' },
    ],
    [
      { DATABASE_URL: '', POSTGRES_HOST: '', OPA_DATA_DIR: '' },
      { kind: 'embedded', dataDir: '.opa' },
    ],
    [{ POSTGRES_HOST: 'db' }, { kind: 'server', url: 'postgres://opa@db:5432/opa' }],
    [
      { POSTGRES_PASSWORD: 'p@:/? %' },
      { kind: 'server', url: 'postgres://opa:p%40%3A%2F%3F%20%25@localhost:5432/opa' },
    ],
    [
      {
        POSTGRES_HOST: '::1',
        POSTGRES_PORT: '6000',
        POSTGRES_DB: 'my db',
        POSTGRES_USER: 'ana',
        POSTGRES_PASSWORD: 's',
      },
      { kind: 'server', url: 'postgres://ana:s@[::1]:6000/my%20db' },
    ],
    [{ POSTGRES_PORT: '5433' }, { kind: 'server', url: 'postgres://opa@localhost:5433/opa' }],
  ])('%j is %j', (environment, location) => {
    expect(resolveLocation(environment)).toEqual(location)
  })

  it.each([
    [{ DATABASE_URL: 'mysql://h/d' }, 'DATABASE_URL must start with postgres://'],
    [{ POSTGRES_PORT: 'abc' }, 'POSTGRES_PORT must be a port from 1 to 65535, got "abc"'],
    [{ POSTGRES_PORT: '70000' }, 'got "70000"'],
  ])('%j is refused', (environment, message) => {
    expect(() => resolveLocation(environment)).toThrow(message)
  })
})

describe('showing a location', () => {
  it('never shows the password', () => {
    expect(withoutPassword('postgres://ana:se:c@ret@h:1/d')).toBe('postgres://ana@h:1/d')
    expect(describeLocation({ kind: 'server', url: 'postgres://ana:secret@h/d' })).toBe(
      'the server postgres://ana@h/d',
    )
    expect(() => resolveLocation({ DATABASE_URL: 'http://ana:secret@h/d' })).toThrow(/^(?!.*secret)/)
  })
})

describe('isLocalServer', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]', '%2Fvar%2Frun'])('%s is local', (host) => {
    expect(isLocalServer(`postgres://u:p@${host}:5432/d`)).toBe(true)
  })
  it.each([
    'db.example.com',
    '10.0.0.1',
    '127.evil.example',
    'localhost.example.com',
    'localhost,db.example.com',
  ])('%s is not', (host) => {
    expect(isLocalServer(`postgres://u:p@${host}:5432/d`)).toBe(false)
  })
})
