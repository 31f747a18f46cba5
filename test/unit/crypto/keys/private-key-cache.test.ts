import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { createKeyObject } from '../../../../src/crypto/keys/key-objects.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

function rsa(): PlainKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const KeyMaterial = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
  return { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial, CryptographicAlgorithm: 'RSA' };
}

t.test('an RSA key is the same object while it is cached', async (t) => {
  const [first, second] = [rsa(), rsa()];
  const kept = createKeyObject(first);
  t.equal(createKeyObject({ ...first, KeyMaterial: (first.KeyMaterial as Uint8Array).slice() }), kept);
  t.not(createKeyObject(second), kept);
  t.ok(createKeyObject(second).equals(createKeyObject(second)));
  t.notOk(createKeyObject(second).equals(kept));
});

t.test('the cache forgets the least recently used key', async (t) => {
  const first = rsa();
  const kept = createKeyObject(first);
  for (let n = 0; n < 32; n += 1) createKeyObject(rsa());
  t.not(createKeyObject(first), kept);
  t.ok(createKeyObject(first).equals(kept));
});
