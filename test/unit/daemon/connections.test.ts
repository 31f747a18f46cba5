import t from 'tap';
import { Connections } from '../../../src/daemon/connections.ts';
import type { Listener } from '../../../src/net/listener.ts';

t.test('open connections are checked although an enrolled certificate cannot be trusted', async (t) => {
  const rechecked: string[] = [];
  const parts = [
    { recheck: async () => void rechecked.push('outgoing') },
    { vault: { unsealed: false } },
    {},
    { withEnrolledClients: async () => ({ ca: ['no certificate'] }) },
  ];
  const connections = new Connections(...(parts as unknown as ConstructorParameters<typeof Connections>));
  connections.add({
    recheck: async () => void rechecked.push('listener'),
    reload() {
      throw new Error('bad certificate');
    },
  } as unknown as Listener);
  await t.rejects(connections.recheck(), { message: 'bad certificate' }, 'a reload logs it');
  await new Promise(setImmediate);
  t.same(rechecked.toSorted(), ['listener', 'outgoing']);
});
