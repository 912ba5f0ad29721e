import { InvalidOptionError } from '../../core/errors.js'

/** Where a server is, and how to get in. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly tls: boolean
}

/**
 * Reads `redis://user:password@host:port/db`, `rediss://` for TLS. The URL never gets into the error's text: it may
 * hold a password.
 * @throws InvalidOptionError
 */
export function parseAddress(text: string): Address {
  if (!URL.canParse(text)) throw invalid('is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw invalid('begins otherwise')
  if (url.hostname === '') throw invalid('names no host')
  if (url.search !== '' || url.hash !== '') throw invalid('has options after ? or #, which are not read')
  const db = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1]
  if (db === undefined) throw invalid('has a path that is not the number of a database')
  return {
    host: decode(url.hostname.replace(/^\[(.*)\]$/, '$1')),
    port: url.port === '' ? 6379 : Number(url.port),
    username: url.username === '' ? undefined : decode(url.username),
    password: url.password === '' ? undefined : decode(url.password),
    db: Number(db),
    tls: url.protocol === 'rediss:',
  }
}

/** For messages: without user and password. */
export function showAddress({ host, port, db, tls }: Address): string {
  return `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}${db === 0 ? '' : `/${db}`}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('has a % that is not followed by two hexadecimal digits')
  }
}

function invalid(how: string): InvalidOptionError {
  return new InvalidOptionError(
    `The address of Redis is redis://host:port, redis://user:password@host:port/db, or rediss://… for TLS; the one given ${how}. ` +
      'For other settings make a client of ioredis or node-redis yourself and give that.',
  )
}
