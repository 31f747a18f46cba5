import { randomBytes } from 'node:crypto';
import t from 'tap';
import { deriveVaultKey } from '../../../../src/vault/keyed-hash.ts';
import { deriveFromRoot } from '../../../../src/vault/roots/root-derivation.ts';

t.test('a root is derived from as every other secret', (t) => {
  for (let round = 0; round < 200; round += 1) {
    const [root, salt, label] = [randomBytes(32), randomBytes(16), `label ${'é'.repeat(round)}`];
    t.strictSame(deriveFromRoot(root, salt, label), deriveVaultKey(root, salt, label));
  }
  t.end();
});
