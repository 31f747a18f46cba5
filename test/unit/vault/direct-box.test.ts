import t from 'tap';
import { deriveBoxKeys, openBox, sealBox } from '../../../src/vault/box.ts';
import {
  type DirectKeys,
  directBinding,
  makeDataSecret,
  openDirectBox,
  readDirectBox,
  sealDirectBox,
} from '../../../src/vault/direct-box.ts';
import { boxEpoch, isDirectValue, type ValueContext } from '../../../src/vault/vault.ts';

const storeId = Uint8Array.from({ length: 16 }, (_, at) => at);
const secretOf = (byte: number) => new Uint8Array(32).fill(byte);
const keysOf = (epoch: number, byte = epoch): DirectKeys => ({
  ...{ epoch, storeId, keys: deriveBoxKeys(secretOf(byte), storeId) },
});
const context: ValueContext = { kind: 'value', id: 'ab', group: 'cd', objectType: 'SymmetricKey' };
const plain = Uint8Array.from({ length: 40 }, (_, at) => 200 - at);
const root = '0123456789abcdef';
const wrapped = Uint8Array.from({ length: 72 }, (_, at) => 3 * at + 4);

function sealed(of = context, keys = keysOf(7)) {
  const secret = makeDataSecret(storeId, keys.epoch);
  return { secret, box: sealDirectBox(keys, secret, { root, wrapped }, of, plain) };
}

t.test('the box of a value in direct mode', async (t) => {
  await t.test('names its epoch, its root and the wrapped secret, and opens with both keys', async (t) => {
    const { secret, box } = sealed();
    t.ok(isDirectValue(box));
    t.equal(boxEpoch(box), 7);
    t.same(readDirectBox(box), { epoch: 7, root, wrapped });
    t.same(openDirectBox(keysOf(7), secret, context, box), plain);
    t.equal(box.length, 18 + 10 + wrapped.length + plain.length + 16);
    t.notSame(sealed().box, sealed().box);
  });

  await t.test('does not open with another secret, key or epoch', async (t) => {
    const { secret, box } = sealed();
    t.equal(openDirectBox(keysOf(7, 8), secret, context, box), undefined, 'token without the keyring');
    t.equal(
      openDirectBox(keysOf(7), makeDataSecret(storeId, 7), context, box),
      undefined,
      'without the token',
    );
    t.equal(openDirectBox(keysOf(8, 7), secret, context, box), undefined, 'another epoch');
    const other = { ...keysOf(7), storeId: new Uint8Array(16) };
    t.equal(openDirectBox(other, secret, context, box), undefined, 'another database');
    for (let at = 0; at < secret.length; at += 1) {
      const changed = secret.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      t.equal(openDirectBox(keysOf(7), changed, context, box), undefined, `byte ${at} of the secret`);
    }
    t.equal(openDirectBox(keysOf(7), secret.subarray(1), context, box), undefined);
  });

  await t.test('does not take a secret of the keyring for a data secret', async (t) => {
    const { secret, box } = sealed();
    const ofKeyring = secret.slice();
    t.equal(ofKeyring[22], 255, 'the kind');
    ofKeyring[22] = 0;
    t.equal(openDirectBox(keysOf(7), ofKeyring, context, box), undefined);
  });

  await t.test('does not open in another row, altered or cut', async (t) => {
    const { secret, box } = sealed();
    for (const other of [
      { id: 'aB' },
      { group: 'cD' },
      { objectType: 'PrivateKey' },
      { id: 'abc', group: 'd' },
    ])
      t.equal(openDirectBox(keysOf(7), secret, { ...context, ...other }, box), undefined);
    for (let at = 0; at < box.length; at += 1) {
      const changed = box.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      t.equal(openDirectBox(keysOf(7), secret, context, changed), undefined, `byte ${at}`);
    }
    for (let length = 0; length < box.length; length += 1) {
      t.equal(
        openDirectBox(keysOf(7), secret, context, box.subarray(0, length)),
        undefined,
        `${length} bytes`,
      );
      readDirectBox(box.subarray(0, length));
    }
  });

  await t.test('does not open with the wrapped secret of another box', async (t) => {
    const [one, two] = [sealed(), sealed({ ...context, id: 'other' })];
    t.equal(openDirectBox(keysOf(7), two.secret, context, one.box), undefined);
    const start = 18 + 10;
    const moved = one.box.slice();
    moved.set(two.box.subarray(start, start + wrapped.length), start);
    t.same(openDirectBox(keysOf(7), one.secret, context, moved), plain, 'these tests wrap to the same bytes');
    const foreign = sealDirectBox(keysOf(7), one.secret, { root: 'f'.repeat(16), wrapped }, context, plain);
    foreign.set(one.box.subarray(18, 26), 18);
    t.equal(openDirectBox(keysOf(7), one.secret, context, foreign), undefined, 'another root');
  });

  await t.test('is no box of the envelope mode, and the other way round', async (t) => {
    const { keys, epoch } = keysOf(7);
    const { secret, box } = sealed();
    t.equal(openBox(keys, context, box), undefined);
    const envelope = sealBox(keys, epoch, context, plain);
    t.notOk(isDirectValue(envelope));
    t.equal(readDirectBox(envelope), undefined);
    envelope[1] = 5;
    t.equal(openDirectBox(keysOf(7), secret, context, envelope), undefined);
  });

  await t.test('is bound to its object by all of its bytes', async (t) => {
    const { box } = sealed();
    const binding = directBinding(box);
    t.equal(binding.length, 32);
    for (let at = 0; at < box.length; at += 1) {
      const changed = box.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      t.notSame(directBinding(changed), binding, `byte ${at}`);
    }
  });

  await t.test('hides the length of a password', async (t) => {
    const of = { ...context, objectType: 'SecretData' };
    const [secret, keys] = [makeDataSecret(storeId, 7), keysOf(7)];
    const boxOf = (length: number) =>
      sealDirectBox(keys, secret, { root, wrapped }, of, new Uint8Array(length).fill(9));
    t.equal(boxOf(1).length, boxOf(63).length);
    t.same(openDirectBox(keys, secret, of, boxOf(9)), new Uint8Array(9).fill(9));
  });
});
