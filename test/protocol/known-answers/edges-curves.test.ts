import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { Sign } from '../../../src/operations/cryptography/sign.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { having, outcome } from '../operations/ask.ts';
import { concat, encodeInteger, encodeItem, flipBit, toBytes, toNumber } from './edges.ts';
import { asymmetricKey, testedVersions, VectorClient, verifySignature } from './vector-client.ts';

/** Signatures of curves and of DSA that only a careless reader takes. */

const client = await VectorClient.open(t);
const data = new TextEncoder().encode('seventeen bytes..');
const sha256 = { HashingAlgorithm: 'SHA_256' } as const;

/** Orders of the groups (SP 800-186 §3.2.1, SEC 2 §2.4.1, RFC 5639 §3.4). */
const curves = [
  ['prime192v1', 0xffffffffffffffffffffffff99def836146bc9b1b4d22831n, false],
  ['secp224r1', 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn, true],
  ['prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n, true],
  ['secp384r1', 2n ** 384n - 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68dn, true],
  [
    'secp521r1',
    2n ** 521n - 2n ** 260n + 0xa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    true,
  ],
  ['secp256k1', 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n, true],
  ['brainpoolP256r1', 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n, false],
] as const;

t.test('ECDSA rejects numbers out of range and encodings that are not DER', async (t) => {
  for (const [namedCurve, order, digests] of curves) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    });
    const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
    const raw = new Uint8Array(sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }));
    const signature = { raw, order, isMalleable: true };
    await checkSignatures(t, namedCurve, new Uint8Array(publicKey), signature, digests);
  }
});

t.test('DSA rejects numbers out of range and encodings that are not DER', async (t) => {
  for (const [modulusLength, divisorLength] of [
    [1024, 160],
    [2048, 256],
  ] as const) {
    const { privateKey, publicKey } = generateKeyPairSync('dsa', {
      modulusLength,
      divisorLength,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    });
    const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
    const raw = new Uint8Array(sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }));
    const { P: _, Q } = dsaNumbers(new Uint8Array(publicKey));
    const signature = { raw, order: Q, isMalleable: false };
    await checkSignatures(t, `DSA ${modulusLength}`, new Uint8Array(publicKey), signature, true);
  }
});

/** P and Q of a SubjectPublicKeyInfo: the first two INTEGERs behind the name of the algorithm. */
function dsaNumbers(spki: Uint8Array): { P: bigint; Q: bigint } {
  const params = spki.subarray(spki.findIndex((byte, at) => byte === 0x38 && spki[at + 1] === 4) + 3);
  const inside = params.subarray(1 + (params[1] === 0x82 ? 3 : params[1] === 0x81 ? 2 : 1));
  const read = (at: number): [value: bigint, next: number] => {
    const form = inside[at + 1] as number;
    const head = form === 0x82 ? 4 : form === 0x81 ? 3 : 2;
    const length = form < 0x80 ? form : Number(toNumber(inside.subarray(at + 2, at + head)));
    return [toNumber(inside.subarray(at + head, at + head + length)), at + head + length];
  };
  const [P, next] = read(0);
  return { P, Q: read(next)[0] };
}

type Tap = { equal(a: unknown, b: unknown, message: string): unknown };

interface Signature {
  /** r and s, each as long as the order. */
  readonly raw: Uint8Array;
  readonly order: bigint;
  /** Whether the order less s is valid too. */
  readonly isMalleable: boolean;
}

const numbersOf = ({ raw }: Pick<Signature, 'raw'>) => ({
  r: toNumber(raw.subarray(0, raw.length / 2)),
  s: toNumber(raw.subarray(raw.length / 2)),
});
const pair = (one: bigint, other: bigint) => encodeItem(0x30, encodeInteger(one), encodeInteger(other));

/** Signatures whose numbers are wrong. */
function wrongNumbers({ raw, order, isMalleable }: Signature): Record<string, Uint8Array> {
  const { r, s } = numbersOf({ raw });
  const [first, second] = [encodeInteger(r), encodeInteger(s)];
  const negative = (value: bigint) =>
    encodeItem(2, [0xff], toBytes((1n << BigInt(raw.length * 4)) - value, raw.length / 2));
  return {
    'r and s of 0': pair(0n, 0n),
    'r of 0': pair(0n, s),
    's of 0': pair(r, 0n),
    'r and s of 1': pair(1n, 1n),
    'r of 1, s of 0': pair(1n, 0n),
    'r of 0, s of 1': pair(0n, 1n),
    'r is the order': pair(order, s),
    's is the order': pair(r, order),
    'both are the order': pair(order, order),
    'r is the order less 1': pair(order - 1n, s),
    's is the order and 1': pair(r, order + 1n),
    'the order added to r': pair(r + order, s),
    'the order added to s': pair(r, s + order),
    'the order added to both': pair(r + order, s + order),
    'a power of two added to r': pair(r + (1n << 600n), s),
    'r and s exchanged': pair(s, r),
    'r less the order': encodeItem(0x30, negative(order - r), second),
    's less the order': encodeItem(0x30, first, negative(order - s)),
    'r negated': encodeItem(0x30, negative(r), second),
    's negated': encodeItem(0x30, first, negative(s)),
    ...(isMalleable ? {} : { 's from the other end': pair(r, order - s) }),
  };
}

/** Signatures whose encoding is not DER, or not that of two numbers. */
function wrongEncodings(raw: Uint8Array): Record<string, Uint8Array> {
  const { r, s } = numbersOf({ raw });
  const [first, second] = [encodeInteger(r), encodeInteger(s)];
  const good = pair(r, s);
  return {
    ...wrongLengths(first, second),
    'a zero before r': encodeItem(0x30, encodeItem(2, [0], first.subarray(2)), second),
    'a zero before s': encodeItem(0x30, first, encodeItem(2, [0], second.subarray(2))),
    'eight zeros before s': encodeItem(0x30, first, encodeItem(2, new Uint8Array(8), second.subarray(2))),
    'r empty': encodeItem(0x30, [2, 0], second),
    's empty': encodeItem(0x30, first, [2, 0]),
    'a byte behind s': encodeItem(0x30, first, second, [0]),
    'a NULL behind s': encodeItem(0x30, first, second, [5, 0]),
    'a third number': encodeItem(0x30, first, second, [2, 1, 1]),
    'a byte behind all': concat(good, [0]),
    'a NULL behind all': concat(good, [5, 0]),
    'another signature behind it': concat(good, good),
    'a byte before all': concat([0], good),
    'only r': encodeItem(0x30, first),
    'only s': encodeItem(0x30, second),
    'an empty SEQUENCE': Uint8Array.of(0x30, 0),
    nothing: new Uint8Array(),
    'one byte': Uint8Array.of(0x30),
    'a SET': encodeItem(0x31, first, second),
    'a SEQUENCE around it': encodeItem(0x30, good),
    'an OCTET STRING around it': encodeItem(4, good),
    'a BIT STRING around it': encodeItem(3, [0], good),
    'r as an OCTET STRING': encodeItem(0x30, [4], first.subarray(1), second),
    's as an ENUMERATED': encodeItem(0x30, first, [10], second.subarray(1)),
    's as a REAL of infinity': encodeItem(0x30, first, [9, 1, 0x40]),
    'r as TRUE': encodeItem(0x30, [1, 1, 0xff], second),
    's as a UTF8String': encodeItem(0x30, first, [12], second.subarray(1)),
    'r as a SEQUENCE': encodeItem(0x30, encodeItem(0x30, first), second),
    'the bytes of r and s without DER': raw,
    'zeros without DER': new Uint8Array(raw.length),
    'the last byte cut': good.slice(0, -1),
    'all ones': new Uint8Array(good.length).fill(0xff),
    'the last bit': flipBit(good, good.length * 8 - 1),
    'a bit of r': flipBit(good, 8 * 8),
  };
}

function wrongLengths(first: Uint8Array, second: Uint8Array): Record<string, Uint8Array> {
  return {
    'a long length of r': encodeItem(0x30, [2, 0x81], first.subarray(1), second),
    'a long length of s': encodeItem(0x30, first, [2, 0x81], second.subarray(1)),
    'a longer length of s': encodeItem(0x30, first, [2, 0x82, 0], second.subarray(1)),
    'a long length of both': concat([0x30, 0x82, 0, first.length + second.length], first, second),
    'an indefinite length': concat([0x30, 0x80], first, second, [0, 0]),
    'an indefinite length without an end': concat([0x30, 0x80], first, second),
    'a length of 2 GiB': concat([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], first, second),
    'a length of 2^64 and what it is': concat(
      [0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, first.length + second.length],
      first,
      second,
    ),
    'a length too short': concat([0x30, first.length + second.length - 1], first, second),
    'a length too long': concat([0x30, first.length + second.length + 1], first, second),
  };
}

async function checkSignatures(
  t: Tap,
  name: string,
  spki: Uint8Array,
  signature: Signature,
  withDigests: boolean,
): Promise<void> {
  const id = await client.registerKey(asymmetricKey('PublicKey', 'X_509', spki), 'Verify');
  const { r, s } = numbersOf(signature);
  const good = pair(r, s);
  const wrong = { ...wrongNumbers(signature), ...wrongEncodings(signature.raw) };
  const digest = nodeCrypto.digest('SHA_256', data);
  const messages = withDigests ? [{ Data: data }, { DigestedData: digest }] : [{ Data: data }];
  for (const version of testedVersions) {
    for (const message of messages) {
      const what = `${version} ${name} ${Object.keys(message)}`;
      const verify = (signature: Uint8Array) =>
        verifySignature(client, version, id, sha256, message, signature);
      t.equal(await verify(good), 'Valid', what);
      // FIPS 186-5 §6.4.2 asks for no more than that both are below the order.
      if (signature.isMalleable)
        t.equal(await verify(pair(r, signature.order - s)), 'Valid', `${what}: s from the other end`);
      for (const [how, bytes] of Object.entries(wrong))
        t.equal(await verify(bytes), 'Invalid', `${what}: ${how}`);
    }
    t.equal(
      await verifySignature(client, version, id, sha256, { Data: data.slice(1) }, good),
      'Invalid',
      `${name}: other data`,
    );
  }
}

t.test('digests of special values are signed and verified', async (t) => {
  for (const [namedCurve, order, digests] of curves) {
    if (!digests) continue;
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    });
    const secret = await client.registerKey(
      asymmetricKey('PrivateKey', 'PKCS_8', new Uint8Array(privateKey)),
      'Sign',
    );
    const open = await client.registerKey(
      asymmetricKey('PublicKey', 'X_509', new Uint8Array(publicKey)),
      'Verify',
    );
    const bytes = toBytes(order).length;
    for (const version of testedVersions) {
      for (const [name, DigestedData] of Object.entries({
        zeros: new Uint8Array(32),
        ones: new Uint8Array(32).fill(0xff),
        one: toBytes(1n, 32),
        ...(bytes === 32 ? { 'the order': toBytes(order), 'the order less 1': toBytes(order - 1n) } : {}),
        'the digest the server signs itself': nodeCrypto.digest('SHA_256', new Uint8Array(1)),
      })) {
        const request = { UniqueIdentifier: secret, CryptographicParameters: sha256, DigestedData };
        const { reason, payload } = await client.request(version, Sign, request);
        t.equal(reason, undefined, `${version} ${namedCurve}: ${name}`);
        const signature = payload['SignatureData'] as Uint8Array;
        const verdict = await verifySignature(client, version, open, sha256, { DigestedData }, signature);
        t.equal(verdict, 'Valid', `${version} ${namedCurve}: ${name} verified`);
        const other = { DigestedData: flipBit(DigestedData, 17) };
        const against = await verifySignature(client, version, open, sha256, other, signature);
        t.equal(against, 'Invalid', `${version} ${namedCurve}: ${name}, one bit turned`);
      }
    }
  }
});

t.test('a point that is not on its curve is refused', async (t) => {
  for (const [namedCurve, order] of curves) {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const wrong = {
      'one bit turned': flipBit(spki, spki.length * 8 - 1),
      zeros: spki.map((byte, at) => (at > spki.length / 2 ? 0 : byte)),
      'a compressed form in the length of both': spki.map((byte, at) =>
        at === spki.length - 1 - 2 * toBytes(order).length ? 2 : byte,
      ),
    };
    for (const version of testedVersions) {
      for (const [how, KeyMaterial] of Object.entries(wrong)) {
        const Object = asymmetricKey('PublicKey', 'X_509', KeyMaterial);
        const request = { ObjectType: 'PublicKey', Attributes: having(), Object };
        const came = await outcome(client.service, version, Register, request as never);
        t.equal(came, 'InvalidField', `${version} ${namedCurve}: ${how}`);
      }
    }
  }
});
