import { connect as connectTcp, createServer, type Socket } from 'node:net';
import t from 'tap';
import { demo } from './certificates-fixture.ts';
import { frame, openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

/** Starts a proxy before a server that records type and length of the server's TLS records. */
async function recordTls(
  port: number,
): Promise<{ port: number; records: { type: number; length: number }[]; close(): void }> {
  const records: { type: number; length: number }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far);
    far.pipe(near);
    let rest = Buffer.alloc(0);
    far.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
        records.push({ type: rest[0] as number, length: rest.readUInt16BE(3) });
        rest = rest.subarray(5 + rest.readUInt16BE(3));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    records,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: a response is one TLS record when it has up to 16 KiB`, async (t) => {
    const listener = await openListener();
    const proxy = await recordTls(listener.port);
    t.teardown(() => {
      proxy.close();
      return listener.close();
    });
    const peer = await connectPeer(proxy.port, { ...demo, minVersion: version, maxVersion: version });
    // TLS 1.3 sends session tickets before the first response, in records of the same type.
    peer.socket.write(frame(64));
    await peer.answers(1);
    let count = 1;
    for (const bytes of [16, 64, 4_096, 8_192, 16_384]) {
      const before = proxy.records.length;
      peer.socket.write(frame(bytes));
      await peer.answers(++count);
      const fresh = proxy.records.slice(before);
      t.match(fresh, [{ type: 23 }], `${bytes} bytes`);
      t.equal(fresh.length, 1);
    }
    const before = proxy.records.length;
    peer.socket.write(Buffer.concat(Array.from({ length: 10 }, () => frame(10_000))));
    await peer.answers(count + 10);
    const lengths = proxy.records.slice(before).map(({ length }) => length);
    t.ok(
      lengths.every((length) => length >= 10_000 && length < 10_100) && lengths.length === 10,
      `answers sent together stay apart: ${lengths}`,
    );
    peer.socket.end();
  });
}
