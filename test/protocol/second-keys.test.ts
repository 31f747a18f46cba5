import t, { type Test } from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { KeyBlock } from '../../codec/structures/key-block.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { active, createPairWith, withMask, withParameters } from './keys.ts';
import { ask, attributeOf, having, storedKey, succeed } from './operations/ask.ts';
import { counted, register, secret, symmetric, wrappedAs } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

/** Uses of two keys: what binds and charges the first one binds and charges the second one alike. */

const maxFailures = 3;
const service = await TestService.open({ limits: { failedDecryptions: maxFailures } });
t.teardown(() => service.close());

interface Asked {
  readonly operation: AnyOperation;
  readonly request: object;
}

/** A use of two keys. */
interface Row {
  /** Makes both keys, these attributes on the one at that place. */
  keys(at: number, ...attributes: Attribute[]): Promise<readonly [string, string]>;
  use(keys: readonly [string, string], parameters?: CryptographicParameters): Asked | Promise<Asked>;
  /** Parameters of each key that the use leaves, and those that it keeps. */
  readonly others: readonly [CryptographicParameters, CryptographicParameters];
  readonly same: readonly [CryptographicParameters, CryptographicParameters];
  /** Whether the use protects something, so that Usage Limits count it. */
  readonly protects: boolean;
  /** Makes a request of the use that fails as a decryption does. */
  fails?(asked: Asked): Asked;
}

const bits = withMask('Encrypt', 'Decrypt', 'WrapKey', 'UnwrapKey', 'DeriveKey', 'MACGenerate', 'MACVerify');
const key = (filling: number, algorithm: 'AES' | 'HMAC_SHA256', ...attributes: Attribute[]) =>
  register(service, symmetric(new Uint8Array(32).fill(filling), algorithm), active, bits, ...attributes);
const onlyAt = (at: number, place: number, attributes: readonly Attribute[]) =>
  at === place ? attributes : [];

async function xtsKeys(at: number, ...attributes: Attribute[]): Promise<readonly [string, string]> {
  const next = await key(2, 'AES', ...onlyAt(at, 1, attributes));
  const link: Attribute = { name: 'Link', value: { LinkType: 'NextLink', LinkedObjectIdentifier: next } };
  return [await key(1, 'AES', link, ...onlyAt(at, 0, attributes)), next];
}
const xts = { BlockCipherMode: 'XTS' } as const;
const IVCounterNonce = new Uint8Array(16);
const encrypting = {
  keys: xtsKeys,
  others: [{ BlockCipherMode: 'GCM' }, { BlockCipherMode: 'GCM' }],
  same: [xts, xts],
} as const;
const cipher =
  (operation: AnyOperation) =>
  ([id]: readonly [string, string]) => ({
    operation,
    request: { UniqueIdentifier: id, CryptographicParameters: xts, IVCounterNonce, Data: counted(32) },
  });

async function wrappingKeys(at: number, ...attributes: Attribute[]): Promise<readonly [string, string]> {
  return [
    await key(1, 'AES', ...onlyAt(at, 0, attributes)),
    await key(2, 'HMAC_SHA256', ...onlyAt(at, 1, attributes)),
  ];
}
t.test('a Next Link of any length leaves the key as it is', async (t) => {
  const next = await key(2, 'AES');
  const link = (LinkedObjectIdentifier: string) =>
    ({ name: 'Link', value: { LinkType: 'NextLink', LinkedObjectIdentifier } }) as const;
  for (const length of [1, 127, 128, 65_535, 65_536, 70_000]) {
    const id = await key(1, 'AES');
    const linkTo = (NewAttribute: Attribute) =>
      succeed(service, '2.1', AddAttribute, { UniqueIdentifier: id, NewAttribute } as never);
    await linkTo(link('x'.repeat(length)));
    const { Object: object } = await succeed(service, '2.1', Get, { UniqueIdentifier: id });
    t.same(object, symmetric(new Uint8Array(32).fill(1)), `${length} characters`);
    await linkTo(link(next));
    await succeed(service, '2.1', Get, { UniqueIdentifier: id });
  }
});

const gcm = { BlockCipherMode: 'GCM' } as const;
const hmac = { CryptographicAlgorithm: 'HMAC_SHA256' } as const;
const wrapped = await storedKey(service);
const wrapping = (WrappingMethod: string, [first, second]: readonly [string, string]) => ({
  UniqueIdentifier: wrapped,
  KeyWrappingSpecification: {
    WrappingMethod,
    EncryptionKeyInformation: { UniqueIdentifier: first, CryptographicParameters: gcm },
    MACSignatureKeyInformation: { UniqueIdentifier: second, CryptographicParameters: hmac },
    AttributeName: [],
  },
});
const wraps = (WrappingMethod: string): Row => ({
  keys: wrappingKeys,
  others: [{ BlockCipherMode: 'CBC' }, { CryptographicAlgorithm: 'HMAC_SHA512' }],
  same: [gcm, hmac],
  protects: true,
  use: (keys) => ({ operation: Get, request: wrapping(WrappingMethod, keys) }),
});
/** Unwraps what other keys of the same bytes have wrapped, so that nothing of these has been used. */
const unwraps = (WrappingMethod: string): Row => ({
  ...wraps(WrappingMethod),
  protects: false,
  async use([first, second]) {
    const made = await succeed(
      service,
      '2.1',
      Get,
      wrapping(WrappingMethod, await wrappingKeys(-1)) as never,
    );
    const { KeyBlock: block } = (made.Object as { value: { KeyBlock: KeyBlock } }).value;
    const data = block.KeyWrappingData as NonNullable<KeyBlock['KeyWrappingData']>;
    const Object = wrappedAs(symmetric(counted(32)), (block.KeyValue as Uint8Array).slice(), {
      ...data,
      EncryptionKeyInformation: { ...data.EncryptionKeyInformation, UniqueIdentifier: first },
      MACSignatureKeyInformation: { ...data.MACSignatureKeyInformation, UniqueIdentifier: second },
    } as never);
    const imported = await succeed(service, '2.1', Register, {
      ObjectType: 'SymmetricKey',
      Attributes: having(bits),
      Object,
    });
    return {
      operation: Get,
      request: { UniqueIdentifier: imported.UniqueIdentifier, KeyWrapType: 'NotWrapped' },
    };
  },
});

const deriving = (UniqueIdentifier: readonly string[], DerivationMethod: string, parameters: object) => ({
  operation: DeriveKey,
  request: {
    ObjectType: 'SecretData',
    UniqueIdentifier,
    DerivationMethod,
    DerivationParameters: { DerivationData: [], ...parameters },
    Attributes: having({ name: 'CryptographicLength', value: 256 }),
  },
});
const sha256 = { HashingAlgorithm: 'SHA_256' } as const;
const sha512 = { HashingAlgorithm: 'SHA_512' } as const;

const rows: Readonly<Record<string, Row>> = {
  'Encrypt by XTS': { ...encrypting, protects: true, use: cipher(Encrypt) },
  'Decrypt by XTS': {
    ...encrypting,
    protects: false,
    use: cipher(Decrypt),
    fails: ({ operation, request }) => ({ operation, request: { ...request, Data: counted(1) } }),
  },
  'Encrypt then MAC': wraps('EncryptThenMACSign'),
  'MAC then encrypt': wraps('MACSignThenEncrypt'),
  'unwrapping, encrypted then MAC': unwraps('EncryptThenMACSign'),
  'Derive Key from a private and a public key': {
    async keys(at, ...attributes) {
      const agrees = withMask('KeyAgreement');
      const own = () => createPairWith(service, 'EC', agrees, agrees, ...attributes);
      const other = () => createPairWith(service, 'EC', agrees, agrees);
      return [(await (at === 0 ? own() : other())).id, (await (at === 1 ? own() : other())).publicId];
    },
    others: [sha512, sha512],
    same: [sha256, sha256],
    protects: true,
    use: (keys) => deriving(keys, 'AsymmetricKey', { CryptographicParameters: sha256 }),
  },
  'Derive Key with data that are Secret Data': {
    keys: async (at, ...attributes) => [
      await key(1, 'AES', ...onlyAt(at, 0, attributes)),
      await register(
        service,
        secret(counted(16)),
        active,
        withMask('DeriveKey'),
        ...onlyAt(at, 1, attributes),
      ),
    ],
    others: [sha512, sha512],
    same: [sha256, sha256],
    protects: true,
    use: (keys) => deriving(keys, 'HMAC', { CryptographicParameters: sha256 }),
  },
};

async function outcomeOf({ operation, request }: Asked): Promise<string> {
  const { reason, status } = await ask(service, '2.1', operation, request as never);
  return reason ?? status;
}

const limits: Attribute = { name: 'UsageLimits', value: { UsageLimitsTotal: 1n, UsageLimitsUnit: 'Object' } };

async function checkCharge(t: Test, row: Row, at: 0 | 1): Promise<void> {
  const keys = await row.keys(at, limits);
  const asked = await row.use(keys);
  t.equal(await outcomeOf(asked), 'Success');
  const { UsageLimitsCount: left } = (await attributeOf(service, keys[at], 'UsageLimits')) as {
    UsageLimitsCount: bigint;
  };
  t.equal(left, row.protects ? 0n : 1n, 'charged');
  t.equal(await outcomeOf(asked), row.protects ? 'PermissionDenied' : 'Success', 'a second time');
}

async function checkParameters(t: Test, row: Row, at: 0 | 1): Promise<void> {
  const same = await row.use(await row.keys(at, withParameters(row.same[at])));
  t.equal(await outcomeOf(same), 'Success', 'the parameters of the use');
  const other = await row.use(await row.keys(at, withParameters(row.others[at])));
  t.equal(await outcomeOf(other), 'BadCryptographicParameters', 'others');
}

async function checkState(t: Test, row: Row, at: 0 | 1): Promise<void> {
  const reason = { RevocationReason: { RevocationReasonCode: 'KeyCompromise' } };
  const keys = await row.keys(at);
  const asked = await row.use(keys);
  t.equal(await outcomeOf(asked), 'Success');
  await succeed(service, '2.1', Revoke, { UniqueIdentifier: keys[at], ...reason });
  t.equal(await outcomeOf(asked), row.protects ? 'WrongKeyLifecycleState' : 'Success', 'compromised');
  await succeed(service, '2.1', Archive, { UniqueIdentifier: keys[at] });
  t.match(await outcomeOf(asked), /^(Wrapping)?ObjectArchived$/, 'archived');
}

for (const [what, row] of Object.entries(rows))
  for (const at of [0, 1] as const) {
    const which = `${what}: key ${at + 1}`;
    t.test(`${which} is charged`, (t) => checkCharge(t, row, at));
    t.test(`${which} binds parameters`, (t) => checkParameters(t, row, at));
    t.test(`${which} needs its state`, (t) => checkState(t, row, at));
  }

t.test('Random IV of either key of XTS leaves the vector to the server', async (t) => {
  for (const at of [0, 1] as const) {
    const keys = await xtsKeys(at, withParameters({ ...xts, RandomIV: true }));
    const { operation, request } = cipher(Encrypt)(keys);
    t.equal(await outcomeOf({ operation, request }), 'BadCryptographicParameters');
    const { IVCounterNonce: _, ...without } = request;
    t.equal(await outcomeOf({ operation, request: without }), 'Success');
  }
});

t.test('a second key does not turn XTS into another mode', async (t) => {
  const next = await key(2, 'AES', withParameters(gcm));
  const double = await register(service, symmetric(counted(64)), active, bits);
  const NewAttribute = { name: 'Link', value: { LinkType: 'NextLink', LinkedObjectIdentifier: next } };
  await succeed(service, '2.1', AddAttribute, { UniqueIdentifier: double, NewAttribute } as never);
  const request = { UniqueIdentifier: double, Data: counted(32) };
  t.equal(await outcomeOf({ operation: Encrypt, request }), 'BadCryptographicParameters');
});

t.test('failures with two keys count under each of them', async (t) => {
  for (const [what, { keys, use, fails }] of Object.entries(rows)) {
    if (fails === undefined) continue;
    for (const at of [0, 1] as const) {
      const pair = await keys(at);
      const asked = await use(pair);
      for (let n = 0; n < maxFailures; n += 1)
        t.equal(await outcomeOf(fails(asked)), 'CryptographicFailure', what);
      t.ok(
        service.exhausted.some(({ object }) => object === pair[at]),
        `${what}: key ${at + 1}`,
      );
      t.equal(await outcomeOf(asked), 'CryptographicFailure', 'and the client waits');
    }
  }
});
