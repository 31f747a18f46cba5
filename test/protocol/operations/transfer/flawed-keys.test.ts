import t from 'tap';
import { encodeKeyValue } from '../../../../codec/structures/key-block.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import {
  type Encoded,
  ecPrivate,
  keyObject,
  rsaPublic,
  type Side,
  spki,
} from '../../../unit/crypto/keys/encoded-keys.ts';
import { TestService } from '../../service.ts';
import { ask, having, versionsOf } from '../ask.ts';
import { counted, register, wrappedAs, wrappingKey } from './wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());
const wrappingKeyId = await wrappingKey(service, counted(32));

/** The paths by which keys come in; `key-check-*.test.ts` has every flaw in every format. */

const n = (1n << 1024n) - 105n;
const flawed: Readonly<Record<string, [Side, Encoded, reason: RegExp]>> = {
  'RSA with e = 1': ['PublicKey', rsaPublic({ n, e: 1n })[1] as Encoded, /public exponent/],
  'a point at infinity': [
    'PublicKey',
    ['TransparentECPublicKey', { RecommendedCurve: 'P_256', QString: Uint8Array.of(0) }],
    /not a point on P_256/,
  ],
  'an X25519 key of zeros': [
    'PublicKey',
    ['X_509', spki('1.3.101.110', undefined, new Uint8Array(32))],
    /small order/,
  ],
  'the public half of another key': [
    'PrivateKey',
    ecPrivate(
      '1.2.840.10045.3.1.7',
      new Uint8Array(32).fill(7),
      Uint8Array.from(
        Buffer.from(
          '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
          'hex',
        ),
      ),
    )[1] as Encoded,
    /that of another key/,
  ],
};

t.test('a flawed key in the clear is refused with the reason by every operation and version', async (t) => {
  let count = 0;
  for (const [flaw, [side, form, reason]] of Object.entries(flawed))
    for (const operation of [Register, Import] as const)
      for (const version of versionsOf(operation)) {
        count += 1;
        const request = {
          ObjectType: side,
          UniqueIdentifier: `imported ${count}`,
          Attributes: operation === Register ? having() : [],
          Object: keyObject(side, form),
        };
        const answer = await ask(service, version, operation, request);
        const what = `${operation.name} ${version} ${flaw}`;
        t.equal(answer.reason, 'InvalidField', what);
        t.match(answer.message, reason, what);
      }
});

t.test('a flawed key that is unwrapped is answered like one that cannot be unwrapped', async (t) => {
  const answers = new Set<string>();
  const first = Object.values(flawed)[0] as (typeof flawed)[string];
  for (const [flaw, [side, form]] of Object.entries({ ...flawed, 'other bytes': first })) {
    const plain = keyObject(side, form);
    const [, KeyMaterial] = form;
    const content = encodeKeyValue({ KeyMaterial, Attributes: [] }, '2.1');
    const kekKey = { objectType: 'SymmetricKey', KeyFormatType: 'Raw', KeyMaterial: counted(32) } as const;
    const { data } = nodeCrypto.wrap(
      { ...kekKey, CryptographicAlgorithm: 'AES', CryptographicLength: 256 },
      { BlockCipherMode: 'AESKeyWrapPadding' },
      content,
    );
    if (flaw === 'other bytes') data[0] = (data[0] as number) ^ 1;
    const CryptographicParameters = { BlockCipherMode: 'AESKeyWrapPadding' } as const;
    const wrapped = wrappedAs(plain, data, {
      WrappingMethod: 'Encrypt',
      EncryptionKeyInformation: { UniqueIdentifier: wrappingKeyId, CryptographicParameters },
    });
    const id = await register(service, wrapped);
    const replies = [
      await ask(service, '2.1', Get, { UniqueIdentifier: id, KeyWrapType: 'NotWrapped' }),
      await ask(service, '2.1', Import, {
        UniqueIdentifier: `wrapped ${flaw}`,
        ObjectType: side,
        KeyWrapType: 'NotWrapped',
        Attributes: [],
        Object: wrapped,
      }),
    ];
    for (const { status, reason, message } of replies) answers.add(`${status}, ${reason}, ${message}`);
  }
  t.same([...answers], ['OperationFailed, CryptographicFailure, the key cannot be unwrapped']);
});
