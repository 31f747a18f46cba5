import { generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { concat, flipBit, toBytes, toNumber } from './edges.ts';
import { asymmetricKey, testedVersions, VectorClient, verifySignature } from './vector-client.ts';

/** EdDSA signatures that only a careless reader takes, and points of X25519 and X448 that give a key away. */

const client = await VectorClient.open(t);
const data = new TextEncoder().encode('seventeen bytes..');

const edwards = {
  ed25519: {
    order: 2n ** 252n + 27742317777372353535851937790883648493n,
    prime: 2n ** 255n - 19n,
    bytes: 32,
  },
  ed448: {
    order: 2n ** 446n - 13818066809895115352007386748515426880336692474882178609894547503885n,
    prime: 2n ** 448n - 2n ** 224n - 1n,
    bytes: 57,
  },
} as const;

const little = (value: bigint, length: number) => toBytes(value, length).toReversed();

t.test('EdDSA rejects scalars that are not reduced and malformed points', async (t) => {
  for (const type of ['ed25519', 'ed448'] as const) {
    const { order, prime, bytes } = edwards[type];
    const { privateKey, publicKey } = generateKeyPairSync(type as 'ed25519');
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const id = await client.registerKey(asymmetricKey('PublicKey', 'X_509', spki), 'Verify');
    const good = new Uint8Array(sign(null, data, privateKey));
    const [R, S] = [good.slice(0, bytes), good.slice(bytes)];
    const s = toNumber(S.toReversed());
    const withS = (value: bigint) => concat(R, little(value, bytes));
    const withR = (value: bigint) => concat(little(value, bytes), S);
    const top = 1n << BigInt(bytes * 8 - 1);
    const wrong: Record<string, Uint8Array> = {
      's and the order': withS(s + order),
      's and twice the order': withS(s + 2n * order),
      's and four times the order': withS(s + 4n * order),
      's of 0': withS(0n),
      's of 1': withS(1n),
      's is the order': withS(order),
      's is the order less 1': withS(order - 1n),
      's with its first bit': withS(s | top),
      's of all ones': withS(2n * top - 1n),
      's negated': withS(order - s),
      'R of 0': withR(0n),
      'R of 1': withR(1n),
      'R is the prime': withR(prime),
      'R is the prime and 1': withR(prime + 1n),
      'R is the prime less 1': withR(prime - 1n),
      'R of all ones': concat(new Uint8Array(bytes).fill(0xff), S),
      'the sign of R': concat(flipBit(R, (bytes - 1) * 8), S),
      zeros: new Uint8Array(2 * bytes),
      'R and s exchanged': concat(S, R),
      nothing: new Uint8Array(),
      'a byte less': good.slice(0, -1),
      'a byte more': concat(good, [0]),
      'a byte before it': concat([0], good),
      'only R': R,
      twice: concat(good, good),
      'the key in place of R': concat(spki.slice(-bytes), S),
      'a bit of R': flipBit(good, 1),
      'a bit of s': flipBit(good, bytes * 8 + 3),
    };
    for (const version of testedVersions) {
      t.equal(
        await verifySignature(client, version, id, {}, { Data: data }, good),
        'Valid',
        `${version} ${type}`,
      );
      for (const [how, signature] of Object.entries(wrong))
        t.equal(
          await verifySignature(client, version, id, {}, { Data: data }, signature),
          'Invalid',
          `${version} ${type}: ${how}`,
        );
      t.equal(
        await verifySignature(client, version, id, {}, { Data: data.slice(1) }, good),
        'Invalid',
        `${type}: other data`,
      );
      t.equal(
        await verifySignature(client, version, id, {}, { Data: new Uint8Array() }, good),
        'Invalid',
        `${type}: no data`,
      );
    }
  }
});

t.test('Ed25519 verifies nothing with a key of small order', async (t) => {
  const front = '302a300506032b6570032100';
  // Of order 1, 2, 4 and 8; for each some messages would verify with R the neutral point and s of 0.
  for (const point of [
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    '00'.repeat(32),
    `${'00'.repeat(31)}80`,
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  ]) {
    const KeyMaterial = Uint8Array.fromHex(front + point);
    const block = { KeyFormatType: 'X_509', KeyMaterial } as const;
    const registered = client.registerKey(asymmetricKey('PublicKey', 'X_509', KeyMaterial), 'Verify');
    await t.rejects(registered, /is not a point of Ed25519 of its order/, point);
    const forged = concat(little(1n, 32), new Uint8Array(32));
    for (let message = 0; message < 32; message += 1) {
      const signed = { data: Uint8Array.of(message) };
      const said = await nodeCrypto.verify({ objectType: 'PublicKey', ...block }, {}, signed, forged);
      t.equal(said, false, `${point}: ${message}`);
    }
  }
});

t.test('X25519 and X448 refuse points of small order (RFC 7748 §6)', async (t) => {
  const p25519 = 2n ** 255n - 19n;
  const p448 = 2n ** 448n - 2n ** 224n - 1n;
  // Of order 1, 2, 4 and 8, in their reduced and unreduced spellings.
  const small = {
    x25519: [
      0n,
      1n,
      325606250916557431795983626356110631294008115727848805560023387167927233504n,
      39382357235489614581723060781553021112529911719440698176882885853963445705823n,
      p25519 - 1n,
      p25519,
      p25519 + 1n,
    ],
    x448: [0n, 1n, p448 - 1n, p448, p448 + 1n],
  };
  for (const type of ['x25519', 'x448'] as const) {
    const made = generateKeyPairSync(type as 'x25519');
    const pkcs8 = new Uint8Array(made.privateKey.export({ type: 'pkcs8', format: 'der' }));
    const spki = new Uint8Array(made.publicKey.export({ type: 'spki', format: 'der' }));
    const bytes = type === 'x25519' ? 32 : 56;
    for (const value of small[type]) {
      const KeyMaterial = concat(spki.slice(0, -bytes), little(value, bytes));
      const registered = client.registerKey(asymmetricKey('PublicKey', 'X_509', KeyMaterial), 'KeyAgreement');
      await t.rejects(registered, /is a point of small order/, `${type} ${value}`);
      const key = { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: pkcs8 } as const;
      const peer = { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial } as const;
      const agreement = {
        method: 'AsymmetricKey',
        key,
        peer,
        parameters: {},
        data: [],
        length: bytes,
      } as const;
      await t.rejects(nodeCrypto.deriveKey(agreement), { code: 'CRYPTOGRAPHY_FAILED' }, `${type} ${value}`);
    }
  }
});
