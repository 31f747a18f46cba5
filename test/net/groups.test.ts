import { connect, createServer } from 'node:tls';
import t from 'tap';
import { createOutgoingOptions } from '../../src/net/tls.ts';
import { demo, material } from './certificates-fixture.ts';
import { openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

const listener = await openListener();
t.teardown(() => listener.close());

/** Connects and returns the negotiated group. */
async function negotiateGroup(
  version: 'TLSv1.2' | 'TLSv1.3',
  ecdhCurve: string,
): Promise<string | undefined> {
  const { socket } = await connectPeer(listener.port, {
    ...demo,
    minVersion: version,
    maxVersion: version,
    ecdhCurve,
  });
  const { name } = socket.getEphemeralKeyInfo() as { name?: string };
  socket.destroy();
  return name;
}

t.test('the listener prefers post-quantum groups when the client offers them', async (t) => {
  for (const [version, offered, expected] of [
    ['TLSv1.3', 'X25519MLKEM768', 'X25519MLKEM768'],
    ['TLSv1.3', 'X25519:P-256:X25519MLKEM768', 'X25519MLKEM768'],
    ['TLSv1.3', 'P-256:SecP256r1MLKEM768', 'SecP256r1MLKEM768'],
    ['TLSv1.3', 'SecP384r1MLKEM1024', 'SecP384r1MLKEM1024'],
    ['TLSv1.3', 'X25519', 'X25519'],
    ['TLSv1.3', 'P-384', 'secp384r1'],
    ['TLSv1.2', 'X25519MLKEM768:X25519:P-256', 'X25519'],
    ['TLSv1.2', 'P-256', 'prime256v1'],
  ] as const) {
    t.equal(await negotiateGroup(version, offered), expected, `${version}: ${offered}`);
  }
});

t.test('an outgoing connection prefers post-quantum groups', async (t) => {
  const { cert, key } = material;
  const peer = createServer({ cert, key, ecdhCurve: 'P-256:X25519MLKEM768' });
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  t.teardown(() => peer.close());
  const { port } = peer.address() as { port: number };
  const socket = connect({ host: '127.0.0.1', port, ...createOutgoingOptions(material, 'intermediate') });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  t.match(socket.getEphemeralKeyInfo(), { name: 'X25519MLKEM768' });
  socket.destroy();
});
