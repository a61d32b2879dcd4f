import { createHash, timingSafeEqual } from 'node:crypto'
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server'
import { ConfigurationError } from '../errors.ts'

/** Where an HTTP server listens, and whom it answers. */
export interface HttpOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** The address to listen on; 127.0.0.1 by default, which only this machine reaches. */
  readonly host?: string
  /** What clients must send as `Authorization: Bearer …`. Required on an address that other machines reach. */
  readonly token?: string
  /** Host names by which clients may call; those of the loopback by default, and any on other addresses. */
  readonly allowedHosts?: readonly string[]
  /** Host names of web pages that may call; those of the loopback by default, and none on other addresses. */
  readonly allowedOrigins?: readonly string[]
}

/** Shortest token that is accepted: what can be tried out is no secret. */
const shortestToken = 16

/**
 * Says no before anything of a request is read: `undefined` lets it pass. A page in a browser can send requests to this
 * machine, by its own name for it (DNS rebinding) or across origins: Host and Origin are what it cannot choose.
 *
 * @throws ConfigurationError if the address can be reached from other machines and there is no token.
 */
export function httpGuard(options: HttpOptions): (request: Request) => Response | undefined {
  const { host = '127.0.0.1', token } = options
  const local = isLoopback(host)
  if (!local && token === undefined) {
    throw new ConfigurationError(
      `a server on ${host} can be reached from other machines and needs a token; without one, listen on 127.0.0.1`,
    )
  }
  if (token !== undefined && (token.length < shortestToken || /[^\x21-\x7e]/.test(token))) {
    throw new ConfigurationError(
      `token must have at least ${shortestToken} visible ASCII characters, got ${token.length}`,
    )
  }
  const hosts = options.allowedHosts ?? (local ? [...localhostAllowedHostnames(), host] : undefined)
  const origins = options.allowedOrigins ?? (local ? localhostAllowedOrigins() : [])
  const expected = token === undefined ? undefined : digest(`Bearer ${token}`)

  return (request) => {
    const refused =
      (hosts && hostHeaderValidationResponse(request, [...hosts])) ??
      originValidationResponse(request, [...origins])
    if (refused !== undefined || expected === undefined) return refused
    // Digests have one length, so that the comparison takes one time.
    if (timingSafeEqual(digest(request.headers.get('authorization') ?? ''), expected)) return undefined
    return Response.json(
      {
        jsonrpc: '2.0',
        error: { code: -32000, message: 'Unauthorized: send the token as Authorization: Bearer …' },
        id: null,
      },
      { status: 401, headers: { 'www-authenticate': 'Bearer' } },
    )
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
