import { randomFillSync } from 'node:crypto';
import t from 'tap';
import { requireRandomSource } from '../../../src/vault/random-check.ts';

t.test('the random source of this machine passes, and broken ones do not', (t) => {
  for (let round = 0; round < 200; round += 1) requireRandomSource();
  const broken: Record<string, (buffer: Uint8Array) => void> = {
    'nothing is written': () => {},
    'one byte only': (buffer) => void buffer.fill(0xa5),
    'the end is not written': (buffer) => void randomFillSync(buffer, 0, buffer.length - 9),
    'four bits of each byte': (buffer) => {
      randomFillSync(buffer);
      for (const at of buffer.keys()) buffer[at]! &= 0x0f;
    },
    'a block that repeats': (buffer) => {
      const block = randomFillSync(new Uint8Array(16));
      for (const at of buffer.keys()) buffer[at] = block[at % 16]!;
    },
  };
  for (const [name, fill] of Object.entries(broken))
    t.throws(
      () => requireRandomSource(fill),
      { code: 'VAULT_UNAVAILABLE', message: /fails its self-test/ },
      name,
    );
  t.end();
});
