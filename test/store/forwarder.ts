import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A port of the loopback that leads to another one, for tests in which a server goes away and comes back. */
export interface Forwarder {
  readonly port: number;
  /** Connections that were accepted. */
  readonly connections: number;
  /** Connections that are open. */
  readonly open: number;
  /** Refuses new connections, until `refusals` more have come. */
  refuse(refusals: number): void;
  /** Ends all connections. */
  end(): void;
  /** Ends all connections and closes the port. */
  stop(): Promise<void>;
}

/** Starts a forwarder to a port of the loopback. */
export async function startForwarder(to: number): Promise<Forwarder> {
  const open = new Set<Socket>();
  let connections = 0;
  let refused = 0;
  const server = createServer((socket) => {
    connections += 1;
    if (connections <= refused) {
      socket.on('error', () => {}).resetAndDestroy();
      return;
    }
    const target = connect(to, '127.0.0.1');
    for (const each of [socket, target]) {
      open.add(each);
      each.on('error', () => {}).on('close', () => open.delete(each));
    }
    socket.pipe(target).pipe(socket);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const end = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    get connections() {
      return connections;
    },
    get open() {
      return open.size;
    },
    refuse(refusals) {
      refused = connections + refusals;
    },
    end,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      end();
      await closed;
    },
  };
}
