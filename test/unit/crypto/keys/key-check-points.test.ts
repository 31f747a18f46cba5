import { createECDH, generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { makeOid } from '../../../../src/crypto/asn1/der.ts';
import { byteKeyTypes, writePrivateContent } from '../../../../src/crypto/keys/byte-keys.ts';
import { curves } from '../../../../src/crypto/keys/curves.ts';
import { closeThreads } from '../../../../src/crypto/node/node.ts';
import { type Encoded, ecPrivate, judge, keyObject, pkcs8, type Side, spki } from './encoded-keys.ts';
import { fixed, isSmall, sets } from './post-quantum.ts';

/** Keys made of points and byte strings; every flaw in every format. */

t.teardown(closeThreads);

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

const ecPublic = (oid: string, name: string, point: Uint8Array): Encoded[] => [
  ['X_509', spki('1.2.840.10045.2.1', makeOid(oid), point)],
  ['Raw', spki('1.2.840.10045.2.1', makeOid(oid), point)],
  ['TransparentECPublicKey', { RecommendedCurve: name as 'P_256', QString: point }],
];

t.test('points on every curve: good ones pass, infinity and those off the curve do not', async (t) => {
  for (const { name, openssl, oid, orderBytes } of curves) {
    const ecdh = createECDH(openssl);
    const other = new Uint8Array(createECDH(openssl).generateKeys());
    ecdh.generateKeys();
    const point = new Uint8Array(ecdh.getPublicKey());
    const scalar = new Uint8Array(orderBytes);
    const own = new Uint8Array(ecdh.getPrivateKey());
    scalar.set(own, orderBytes - own.length);
    const off = Uint8Array.from(point);
    off[off.length - 1] = (off.at(-1) as number) ^ 1;
    for (const form of ecPublic(oid, name, point))
      t.equal(await judge(keyObject('PublicKey', form)), 'accepted', `${name} ${form[0]}`);
    for (const [flaw, wrong] of [
      ['infinity', Uint8Array.of(0)],
      ['off the curve', off],
    ] as const)
      for (const form of ecPublic(oid, name, wrong))
        t.match(await judge(keyObject('PublicKey', form)), /not a point on/, `${name} ${flaw} ${form[0]}`);
    for (const form of [...ecPrivate(oid, scalar), ...ecPrivate(oid, scalar, point)])
      t.equal(await judge(keyObject('PrivateKey', form)), 'accepted', `${name} ${form[0]}`);
    for (const form of ecPrivate(oid, scalar, other))
      t.match(await judge(keyObject('PrivateKey', form)), /that of another key/, `${name} ${form[0]}`);
    for (const form of ecPrivate(oid, new Uint8Array(orderBytes).fill(255), point))
      t.match(await judge(keyObject('PrivateKey', form)), /out of range/, `${name} ${form[0]}`);
  }
});

t.test('points of small order on curves with a cofactor are refused', async (t) => {
  // On a Koblitz curve y² + xy = x³ + ax² + 1 the point (0, 1) has order 2.
  for (const { name, oid, bits } of curves.filter(({ name }) => name.startsWith('K_'))) {
    const size = Math.ceil(bits / 8);
    const point = new Uint8Array(1 + 2 * size);
    point[0] = 4;
    point[2 * size] = 1;
    for (const form of ecPublic(oid, name, point))
      t.match(
        await judge(keyObject('PublicKey', form)),
        /not a point on .* of its order/,
        `${name} ${form[0]}`,
      );
  }
});

t.test('a private key is below the order of its curve, and not zero', async (t) => {
  const order = bytes('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  const above = Uint8Array.from(order);
  above[31] = 0x52;
  const below = Uint8Array.from(order);
  below[31] = 0x50;
  const p256 = '1.2.840.10045.3.1.7';
  for (const form of ecPrivate(p256, below)) t.equal(await judge(keyObject('PrivateKey', form)), 'accepted');
  for (const scalar of [order, above, new Uint8Array(32)])
    for (const form of ecPrivate(p256, scalar))
      t.match(
        await judge(keyObject('PrivateKey', form)),
        /out of range|is zero|cannot be used/,
        `${scalar[31]} ${form[0]}`,
      );
});

/** RFC 7748 §6 and curve25519's own page: encodings of the points of small order. */
const smallMontgomery = {
  x25519: [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ],
  x448: ['00'.repeat(56), `01${'00'.repeat(55)}`, `fe${'ff'.repeat(27)}fe${'ff'.repeat(27)}`],
};

/** The eight points of small order on edwards25519, four on edwards448, and encodings that are none. */
const smallEdwards = {
  ed25519: [
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    '00'.repeat(32),
    `${'00'.repeat(31)}80`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    // y = p + 1, and x = 0 with a sign.
    `ee${'ff'.repeat(30)}7f`,
    `01${'00'.repeat(30)}80`,
  ],
  ed448: [
    `01${'00'.repeat(56)}`,
    `fe${'ff'.repeat(27)}fe${'ff'.repeat(27)}00`,
    '00'.repeat(57),
    `${'00'.repeat(56)}80`,
  ],
};

const oidOf = { ed25519: '1.3.101.112', ed448: '1.3.101.113', x25519: '1.3.101.110', x448: '1.3.101.111' };

t.test('keys on Curve25519, Curve448 and their Edwards forms', async (t) => {
  for (const [type, small] of Object.entries({ ...smallMontgomery, ...smallEdwards })) {
    const curve = type as keyof typeof oidOf;
    const raw = /^ed/.test(type)
      ? ({ ed25519: 'Ed25519', ed448: 'Ed448' } as const)[type as 'ed448']
      : undefined;
    const judgeBoth = async (key: Uint8Array) => [
      await judge(keyObject('PublicKey', ['X_509', spki(oidOf[curve], undefined, key)])),
      ...(raw === undefined ? [] : [await judge(keyObject('PublicKey', ['Raw', key], raw))]),
    ];
    const { publicKey, privateKey } = generateKeyPairSync(curve as 'ed25519');
    const good = new Uint8Array(publicKey.export({ format: 'raw-public' }));
    t.same(new Set(await judgeBoth(good)), new Set(['accepted']), type);
    for (const hex of small)
      for (const answer of await judgeBoth(bytes(hex)))
        t.match(answer, /of small order|of its order/, `${type} ${hex}`);
    const seed = new Uint8Array(privateKey.export({ format: 'raw-private' }));
    const content = Uint8Array.of(4, seed.length, ...seed);
    const stated = (half: Uint8Array) =>
      judge(keyObject('PrivateKey', ['PKCS_8', pkcs8(oidOf[curve], undefined, content, half)]));
    t.equal(await stated(good), 'accepted', `${type} with its public half`);
    const other = generateKeyPairSync(curve as 'ed25519').publicKey.export({ format: 'raw-public' });
    t.match(await stated(new Uint8Array(other)), /that of another key/, `${type} with another public half`);
  }
});

t.test('a point of an Edwards curve with a part of small order is refused', async (t) => {
  // Adding the point (0, -1) of order 2 to (x, y) gives (-x, -y).
  for (const [type, algorithm, p] of [
    ['ed25519', 'Ed25519', 2n ** 255n - 19n],
    ['ed448', 'Ed448', 2n ** 448n - 2n ** 224n - 1n],
  ] as const) {
    const key = new Uint8Array(
      generateKeyPairSync(type as 'ed25519').publicKey.export({ format: 'raw-public' }),
    );
    const last = key.length - 1;
    const sign = (key[last] as number) & 0x80;
    key[last] = (key[last] as number) & 0x7f;
    let y = p - key.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const mixed = key.map(() => {
      const byte = Number(y & 0xffn);
      y >>= 8n;
      return byte;
    });
    mixed[last] = (mixed[last] as number) | (sign ^ 0x80);
    t.match(await judge(keyObject('PublicKey', ['Raw', mixed], algorithm)), /of its order/, type);
  }
});

t.test('post-quantum private keys hold their own public halves', async (t) => {
  for (const set of sets.filter((name) => !isSmall(name))) {
    const type = byteKeyTypes.find(({ algorithm }) => algorithm === set) as (typeof byteKeyTypes)[0];
    const generate = () => generateKeyPairSync(type.nodeType as 'ed25519');
    const [one, other] = [generate(), generate()];
    const der = (pair: typeof one) =>
      new Uint8Array(pair.privateKey.export({ type: 'pkcs8', format: 'der' }));
    const half = (pair: typeof one) => new Uint8Array(pair.publicKey.export({ format: 'raw-public' }));
    t.equal(await judge(keyObject('PrivateKey', ['PKCS_8', der(one)])), 'accepted', set);
    const stated = (pair: typeof one) => {
      const content = type.pkcs8 === 'bare' ? der(one).slice(-type.privateBytes) : writeSeed(one);
      return judge(keyObject('PrivateKey', ['PKCS_8', pkcs8(type.oid, undefined, content, half(pair))]));
    };
    const writeSeed = (pair: typeof one) =>
      writePrivateContent(type, new Uint8Array(pair.privateKey.export({ format: 'raw-seed' })));
    t.equal(await stated(one), 'accepted', `${set} with its public half`);
    t.match(await stated(other), /that of another key/, `${set} with another public half`);
    if (type.pkcs8 !== 'bare') continue;
    const mixed = der(one);
    mixed.set(half(other), mixed.length - type.publicBytes);
    const raw = mixed.slice(-type.privateBytes);
    t.match(await judge(keyObject('PrivateKey', ['PKCS_8', mixed])), /that of another key/, `${set} mixed`);
    t.match(
      await judge(keyObject('PrivateKey', ['Raw', raw], set)),
      /that of another key/,
      `${set} mixed, Raw`,
    );
  }
});

t.test('X-Wing: a half of small order is refused', async (t) => {
  const kem = generateKeyPairSync('ml-kem-768' as 'ed25519').publicKey.export({ format: 'raw-public' });
  const make = (curve: Uint8Array): [Side, Encoded] => [
    'PublicKey',
    ['X_509', spki('1.3.6.1.4.1.62253.25722', undefined, Uint8Array.of(...kem, ...curve))],
  ];
  t.equal(await judge(keyObject(...make(fixed(32, 9)))), 'accepted');
  t.match(await judge(keyObject(...make(new Uint8Array(32)))), /small order/);
});
