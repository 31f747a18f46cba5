import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { keyObject } from '../../../../src/crypto/keys/key-objects.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

function rsa(): PlainKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const KeyMaterial = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
  return { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial, CryptographicAlgorithm: 'RSA' };
}

t.test('the same RSA key is the same object for a while, any other is another', async (t) => {
  const [first, second] = [rsa(), rsa()];
  const kept = keyObject(first);
  t.equal(keyObject({ ...first, KeyMaterial: (first.KeyMaterial as Uint8Array).slice() }), kept);
  t.not(keyObject(second), kept);
  t.ok(keyObject(second).equals(keyObject(second)));
  t.notOk(keyObject(second).equals(kept));
});

t.test('no more are kept than a few', async (t) => {
  const first = rsa();
  const kept = keyObject(first);
  for (let n = 0; n < 32; n += 1) keyObject(rsa());
  t.not(keyObject(first), kept);
  t.ok(keyObject(first).equals(kept));
});
