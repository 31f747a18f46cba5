import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/**
 * A TLS record that the server sent: its content type (21 alert, 22 handshake, 23 data) and length in bytes.
 */
export interface TlsRecord {
  readonly type: number;
  readonly length: number;
}

export interface RecordTap {
  readonly port: number;
  readonly records: readonly TlsRecord[];
  close(): void;
}

/** A proxy between a client and the server on `port` that records the TLS records sent to the client. */
export async function tapRecords(port: number): Promise<RecordTap> {
  const records: TlsRecord[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.pipe(far);
    far.pipe(near);
    let rest = Buffer.alloc(0);
    far.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
        const length = rest.readUInt16BE(3);
        records.push({ type: rest.readUInt8(0), length });
        rest = rest.subarray(5 + length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    records,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
