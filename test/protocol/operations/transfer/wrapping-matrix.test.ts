import { randomBytes } from 'node:crypto';
import t from 'tap';
import { BlockCipherMode, PaddingMethod, WrappingMethod } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import type { KeyWrappingData } from '../../../../codec/structures/key-block.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { TestService } from '../../service.ts';
import { ask } from '../ask.ts';
import { active, counted, mask, pair, register, symmetric, wrappedAs } from './wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const everything = ['WrapKey', 'UnwrapKey', 'Sign', 'Verify', 'MACGenerate', 'MACVerify'] as const;
const pairs: readonly KeyPairRequest[] = [
  { algorithm: 'RSA', bits: 2048 },
  { algorithm: 'EC', curve: 'P_256' },
  { algorithm: 'Ed25519' },
  { algorithm: 'DH', bits: 2048 },
];

async function keys(): Promise<string[]> {
  const alone = (['AES', 'DES3', 'Camellia', 'ChaCha20Poly1305', 'HMAC_SHA256', 'RC4', 'IDEA'] as const).map(
    (algorithm) =>
      register(
        service,
        symmetric(counted({ DES3: 24, IDEA: 16 }[algorithm as string] ?? 32), algorithm),
        active,
        mask(...everything),
      ),
  );
  const halves = pairs.map(async (request) => Object.values(await pair(service, request, everything)));
  return [...(await Promise.all(alone)), ...(await Promise.all(halves)).flat()];
}

const parameters: readonly (CryptographicParameters | undefined)[] = [
  undefined,
  {},
  ...BlockCipherMode.members.map((mode) => ({ BlockCipherMode: mode })),
  ...PaddingMethod.members.map(
    (padding) => ({ PaddingMethod: padding, HashingAlgorithm: 'SHA_256' }) as const,
  ),
  { BlockCipherMode: 'GCM', TagLength: 0, IVLength: -8 },
  { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' },
];

const few = [undefined, {}, { BlockCipherMode: 'CTR' }, parameters.at(-1)] as typeof parameters;

/**
 *
 * Wraps by every key, mode, padding and method, and unwraps random bytes: every answer is a success or a
 *
 * known refusal.
 */
t.test('every combination of wrapping key and parameters succeeds or gets its reason', async (t) => {
  const target = await register(service, symmetric(counted(32)));
  const outcomes = new Map<string, number>();
  const count = (outcome = 'Success') => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  for (const id of await keys()) {
    for (const method of WrappingMethod.members) {
      for (const CryptographicParameters of method === 'Encrypt' ? parameters : few) {
        const information = { UniqueIdentifier: id, CryptographicParameters };
        const wrapping: KeyWrappingData = {
          WrappingMethod: method,
          ...(method === 'MACSign' ? {} : { EncryptionKeyInformation: information }),
          ...(method === 'Encrypt' ? {} : { MACSignatureKeyInformation: information }),
        };
        const KeyWrappingSpecification = { ...wrapping, AttributeName: [] };
        const asked = { UniqueIdentifier: target, KeyWrappingSpecification } as never;
        const { reason, payload } = await ask(service, '2.1', Get, asked);
        count(reason);
        const out = payload === undefined ? undefined : (payload.Object.value as never)['KeyBlock'];
        const data =
          out === undefined
            ? { ...wrapping, MACSignature: randomBytes(32), IVCounterNonce: randomBytes(12) }
            : out['KeyWrappingData'];
        const whole = out === undefined ? new Uint8Array(randomBytes(40)) : out['KeyValue'];
        const registered = await register(service, wrappedAs(symmetric(counted(32)), whole, data));
        const back = await ask(service, '2.1', Get, {
          UniqueIdentifier: registered,
          KeyWrapType: 'NotWrapped',
        });
        const refusedAfter1 = JSON.stringify(CryptographicParameters)?.includes('PKCS1V1_5');
        if (payload !== undefined && !refusedAfter1)
          t.equal(back.reason, undefined, `${method} ${JSON.stringify(information)}`);
        else count(back.reason);
      }
    }
  }
  t.same(service.unexpected, []);
  const known = new Set([
    'Success',
    'FeatureNotSupported',
    'UnsupportedCryptographicParameters',
    'BadCryptographicParameters',
    'GeneralFailure',
    'CryptographicFailure',
    'InvalidMessage',
    'KeyWrapTypeNotSupported',
    'InvalidField',
  ]);
  t.same(
    [...outcomes.keys()].filter((each) => !known.has(each)),
    [],
  );
  t.comment(JSON.stringify([...outcomes]));
});
