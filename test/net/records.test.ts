import { connect as connectTcp, createServer, type Socket } from 'node:net';
import t from 'tap';
import { demo, enter, frame, openDoor } from './listener-fixture.ts';

/** Sits between client and server and notes the TLS records that the server sends. */
async function recordsOf(
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
  t.test(`${version}: CLIENTS 0.1: an answer up to 16 KiB is one TLS record`, async (t) => {
    const door = await openDoor();
    const proxy = await recordsOf(door.port);
    t.teardown(() => {
      proxy.close();
      return door.close();
    });
    const peer = await enter(proxy.port, { ...demo, minVersion: version, maxVersion: version });
    // The session tickets of TLS 1.3 come before the first answer, in records of the same type.
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
