import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * One address for whichever machine is the primary (or the standby) at the moment, as a failover proxy gives it, whose
 * connections can be cut without a word. While there is no machine, new connections wait some seconds for one.
 */
export class FailoverProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  readonly #waiting = new Set<() => void>()
  #target: Address | null = null

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (client) => void this.#accept(client))
  }

  static async listen(): Promise<FailoverProxy> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FailoverProxy(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Where new connections go from now on; null: nowhere. Those that are open stay where they are. */
  route(target: Address | null): void {
    this.#target = target
    if (target !== null) for (const go of this.#waiting) go()
  }

  /** Cuts the share of the open connections, both ways, whatever is on its way in them. */
  cut(share = 1): number {
    let count = 0
    for (const pair of this.#pairs) {
      if (Math.random() >= share) continue
      for (const socket of pair) socket.destroy()
      count += 1
    }
    return count
  }

  close(): void {
    this.#server.close()
    this.cut()
    for (const go of this.#waiting) go()
  }

  async #accept(client: Socket): Promise<void> {
    client.on('error', () => {})
    if (this.#target === null) await this.#turn()
    const target = this.#target as Address | null
    if (target === null || client.destroyed) return void client.destroy()
    const server = connect({ ...target, noDelay: true })
    const pair = [client, server] as const
    this.#pairs.add(pair)
    server.on('error', () => {})
    const end = () => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    client.on('close', end)
    server.on('close', end)
    client.pipe(server)
    server.pipe(client)
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer)
        this.#waiting.delete(go)
        resolve()
      }
      const timer = setTimeout(go, 4000)
      this.#waiting.add(go)
    })
  }
}
