import t from 'tap';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { Version } from '../../codec/version.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { active, withMask } from './keys.ts';
import { algorithm, ask, having, outcome, succeed } from './operations/ask.ts';
import { counted, register, symmetric } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

/** Tests of data in parts that is answered at its end only: what is released, and how much is kept. */

const partsBytes = 140;
const partsBytesPerClient = 280;
const partsTotalBytes = 700;
const service = await TestService.open({ limits: { partsBytes, partsBytesPerClient, partsTotalBytes } });
t.teardown(() => service.close());

const data = counted(60);
const additional = new Uint8Array(5).fill(8);
const mask = withMask('Encrypt', 'Decrypt');
const aes = await register(service, symmetric(counted(16)), active, mask);
const chacha = await register(service, symmetric(counted(32), 'ChaCha20Poly1305'), active, mask);
const pair = await succeed(service, '2.1', CreateKeyPair, {
  CommonAttributes: having(algorithm('Ed25519'), active),
  PrivateKeyAttributes: having(withMask('Sign')),
  PublicKeyAttributes: having(withMask('Verify')),
});
const authenticated: readonly (readonly [name: string, key: string, parameters: CryptographicParameters])[] =
  [
    ['GCM', aes, { BlockCipherMode: 'GCM' }],
    ['CCM', aes, { BlockCipherMode: 'CCM' }],
    ['ChaCha20-Poly1305', chacha, {}],
  ];
const streaming: readonly Version[] = ['1.3', '1.4', '2.0', '2.1'];

/** Sends parts until one is refused; returns the bytes of each answer, and the reason where there is one. */
async function inParts(
  version: Version,
  operation: AnyOperation,
  parts: readonly Uint8Array[],
  first: Record<string, unknown>,
  last: object = {},
): Promise<{ readonly outputs: readonly (Uint8Array | undefined)[]; readonly reason: string | undefined }> {
  const outputs: (Uint8Array | undefined)[] = [];
  let CorrelationValue: unknown;
  for (const [at, Data] of parts.entries()) {
    const isLast = at === parts.length - 1;
    const { reason, payload } = await ask(service, version, operation, {
      ...(at === 0 ? { ...first, InitIndicator: true } : { CorrelationValue }),
      UniqueIdentifier: first['UniqueIdentifier'],
      Data,
      ...(isLast && { FinalIndicator: true, ...last }),
    });
    if (reason !== undefined) return { outputs, reason };
    const answer = payload as { Data?: Uint8Array; CorrelationValue?: Uint8Array };
    outputs.push(answer.Data);
    CorrelationValue ??= answer.CorrelationValue;
  }
  return { outputs, reason: undefined };
}

const flip = (bytes: Uint8Array) => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));

t.test('authenticated decryption in parts releases nothing before the tag has been verified', async (t) => {
  for (const version of streaming) {
    for (const [name, UniqueIdentifier, CryptographicParameters] of authenticated) {
      const common = {
        UniqueIdentifier,
        CryptographicParameters,
        ...(version !== '1.3' && { AuthenticatedEncryptionAdditionalData: additional }),
      };
      const whole = await succeed(service, version, Encrypt, { ...common, Data: data });
      const sealed = whole.Data as Uint8Array;
      const tag = whole.AuthenticatedEncryptionTag;
      const beside = tag === undefined ? {} : { AuthenticatedEncryptionTag: tag };
      const first = { ...common, IVCounterNonce: whole.IVCounterNonce };
      const cut = [sealed.subarray(0, 20), sealed.subarray(20, 21), new Uint8Array(), sealed.subarray(21)];
      const good = await inParts(version, Decrypt, cut, first, beside);
      t.same(
        good,
        { outputs: [undefined, undefined, undefined, data], reason: undefined },
        `${version} ${name}`,
      );
      const none = [undefined, undefined, undefined];
      const changed = cut.map((part, at) => (at === 0 ? flip(part) : part));
      const forgeries: readonly (readonly [string, readonly Uint8Array[], object, object])[] = [
        ['the first byte changed', changed, first, beside],
        ['a byte less', cut.with(3, sealed.subarray(21, -1)), first, beside],
        [
          'another vector',
          cut,
          { ...first, IVCounterNonce: flip(whole.IVCounterNonce as Uint8Array) },
          beside,
        ],
        ...(tag === undefined
          ? []
          : ([
              ['another tag', cut, first, { AuthenticatedEncryptionTag: flip(tag) }],
              [
                'other additional data',
                cut,
                { ...first, AuthenticatedEncryptionAdditionalData: data },
                beside,
              ],
            ] as const)),
      ];
      for (const [what, parts, begin, end] of forgeries) {
        const forged = await inParts(version, Decrypt, parts, begin as Record<string, unknown>, end);
        t.same(forged, { outputs: none, reason: 'CryptographicFailure' }, `${version} ${name}: ${what}`);
      }
      if (tag === undefined) continue;
      const without = await inParts(version, Decrypt, cut, first);
      t.same(without, { outputs: none, reason: 'InvalidMessage' }, `${version} ${name}: no tag`);
    }
  }
});

t.test('modes without a tag release their output part by part', async (t) => {
  for (const BlockCipherMode of ['CBC', 'CTR', 'CFB', 'OFB', 'ECB'] as const) {
    const common = { UniqueIdentifier: aes, CryptographicParameters: { BlockCipherMode } };
    const whole = await succeed(service, '2.1', Encrypt, { ...common, Data: counted(256) });
    const sealed = whole.Data as Uint8Array;
    const parts = [sealed.subarray(0, 128), sealed.subarray(128)];
    const first = { ...common, IVCounterNonce: whole.IVCounterNonce };
    const { outputs, reason } = await inParts('2.1', Decrypt, parts, first);
    t.same([outputs.map((output) => output?.length), reason], [[128, 128], undefined], BlockCipherMode);
  }
});

const gcm = {
  UniqueIdentifier: aes,
  CryptographicParameters: { BlockCipherMode: 'GCM' },
  IVCounterNonce: new Uint8Array(12),
};
/** Operations that collect their data, and the bytes that they keep of the first part besides. */
const collecting: readonly (readonly [string, AnyOperation, Record<string, unknown>, object, number])[] = [
  ['Decrypt', Decrypt, gcm, { AuthenticatedEncryptionTag: new Uint8Array(16) }, 12],
  ['Sign', Sign, { UniqueIdentifier: pair.PrivateKeyUniqueIdentifier }, {}, 0],
  [
    'Signature Verify',
    SignatureVerify,
    { UniqueIdentifier: pair.PublicKeyUniqueIdentifier },
    { SignatureData: new Uint8Array(64) },
    0,
  ],
];

t.test('an operation that keeps more than it may fails, and releases nothing', async (t) => {
  for (const [name, operation, first, last, besides] of collecting) {
    const fitting = partsBytes - besides - 50;
    const fits = await inParts('2.1', operation, [counted(50), counted(fitting)], first, last);
    t.not(fits.reason, 'ServerLimitExceeded', `${name}: as much as allowed`);
    const over = await inParts('2.1', operation, [counted(50), counted(fitting + 1)], first, last);
    t.same(over, { outputs: [undefined], reason: 'ServerLimitExceeded' }, `${name}: a byte more`);
    const begun = await succeed(service, '2.1', operation, {
      ...first,
      InitIndicator: true,
      Data: counted(80),
    });
    const { CorrelationValue } = begun as { CorrelationValue?: Uint8Array };
    const next = { UniqueIdentifier: first['UniqueIdentifier'], CorrelationValue, Data: counted(80) };
    t.equal(await outcome(service, '2.1', operation, next), 'ServerLimitExceeded', name);
    t.equal(
      await outcome(service, '2.1', operation, next),
      'InvalidCorrelationValue',
      `${name}: it has ended`,
    );
  }
  const cbc = { UniqueIdentifier: aes, CryptographicParameters: { BlockCipherMode: 'CBC' } };
  const long = await inParts('2.1', Encrypt, [counted(160), counted(160)], cbc);
  t.equal(long.reason, undefined, 'a mode that keeps nothing has no such limit');
});

t.test('the operations of a client, and all, keep a bounded number of bytes until they end', async (t) => {
  const begin = async (client: string, bytes: number) => {
    service.sender = { client };
    return ask(service, '2.1', Decrypt, { ...gcm, InitIndicator: true, Data: counted(bytes - 12) });
  };
  const fill = async (client: string) => {
    const begun = [await begin(client, partsBytes), await begin(client, 120), await begin(client, 20)];
    t.same(
      begun.map(({ reason }) => reason),
      [undefined, undefined, undefined],
    );
    t.equal((await begin(client, 13)).reason, 'ServerLimitExceeded', `${client} is full`);
    return begun.map(({ payload }) => payload.CorrelationValue);
  };
  const values = await fill('one');
  await fill('two');
  t.equal((await begin('three', partsBytes)).reason, undefined, 'others have space');
  t.equal((await begin('four', 13)).reason, 'ServerLimitExceeded', 'all are full');
  service.sender = { client: 'one' };
  for (const CorrelationValue of values) {
    const last = { UniqueIdentifier: aes, CorrelationValue, FinalIndicator: true };
    t.equal(await outcome(service, '2.1', Decrypt, last), 'InvalidMessage', 'ended without a tag');
  }
  await fill('one');
  service.now += 300_000;
  await fill('three');
  service.sender = {};
});
