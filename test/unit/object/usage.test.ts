import t from 'tap';
import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { ManagedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { defaultCertificationRules } from '../../../src/common/certification-rules.ts';
import { defaultUsageMask } from '../../../src/crypto/default-usage-mask.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import type { StateName } from '../../../src/object/state.ts';
import { archive } from '../../../src/object/state.ts';
import { allocateUsage, countUse, requireUsage, type Use } from '../../../src/object/usage.ts';
import { aesKey, now, refusals, registered, symmetricKey } from './fixtures.ts';

const bit = CryptographicUsageMask.bit;
const protect: Use[] = ['Encrypt', 'Sign', 'MAC', 'DeriveKey', 'WrapKey', 'Certify'];
const process: Use[] = ['Decrypt', 'SignatureVerify', 'MACVerify', 'UnwrapKey'];
const everything = 0xffffff & ~bit('Unrestricted');

function key(state: StateName, mask = everything): ManagedObject {
  const object = aesKey([{ name: 'CryptographicUsageMask', value: mask }]);
  object.attributes.set('State', state);
  return object;
}

const judged = (time = now) => ({ now: time, certification: defaultCertificationRules, principal: {} });

/** A unit of work in which every change is made at once. */
const at = (time: number) => ({
  principal: {},
  now: time,
  work: { applyLasting: (object: ManagedObject, change: (object: ManagedObject) => void) => change(object) },
  ticketUses: { count() {} },
});

const wrongState = ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'];
const wrongMask = [
  'PermissionDenied',
  'IncompatibleCryptographicUsageMask',
  'IncompatibleCryptographicUsageMask',
];
const allowed = [undefined, undefined, undefined];

const states: Record<StateName, { protect: boolean; process: boolean }> = {
  PreActive: { protect: false, process: false },
  Active: { protect: true, process: true },
  Deactivated: { protect: false, process: true },
  Compromised: { protect: false, process: true },
  Destroyed: { protect: false, process: false },
  DestroyedCompromised: { protect: false, process: false },
};

for (const [state, may] of Object.entries(states) as [StateName, { protect: boolean; process: boolean }][]) {
  t.test(`requireUsage allows the uses of a key that is ${state}`, async (t) => {
    const object = key(state);
    for (const use of protect)
      t.same(
        refusals(() => requireUsage(object, use, judged())),
        may.protect ? allowed : wrongState,
        use,
      );
    for (const use of process)
      t.same(
        refusals(() => requireUsage(object, use, judged())),
        may.process ? allowed : wrongState,
        use,
      );
  });
}

t.test('requireUsage lets a key be divided until it may no longer protect', async (t) => {
  const divisible: readonly string[] = ['PreActive', 'Active'];
  for (const state of Object.keys(states) as StateName[])
    t.same(
      refusals(() => requireUsage(key(state), 'CreateSplitKey', judged())),
      divisible.includes(state) ? allowed : wrongState,
      state,
    );
});

/** The bit that each use needs. */
const needed: Record<Use, Parameters<typeof bit>[0]> = {
  Encrypt: 'Encrypt',
  Decrypt: 'Decrypt',
  Sign: 'Sign',
  SignatureVerify: 'Verify',
  MAC: 'MACGenerate',
  MACVerify: 'MACVerify',
  AuthenticateKey: 'MACGenerate',
  VerifyKey: 'MACVerify',
  DeriveKey: 'DeriveKey',
  AgreeKey: 'DeriveKey',
  WrapKey: 'WrapKey',
  UnwrapKey: 'UnwrapKey',
  UnwrapWithEitherBit: 'UnwrapKey',
  Certify: 'CertificateSign',
  CreateSplitKey: 'Export',
};

/** Another bit that also allows the use. */
const instead: Partial<typeof needed> = {
  AgreeKey: 'KeyAgreement',
  UnwrapWithEitherBit: 'WrapKey',
  AuthenticateKey: 'WrapKey',
  VerifyKey: 'UnwrapKey',
};

t.test('requireUsage needs the bit of the use and no other', async (t) => {
  for (const [use, name] of Object.entries(needed) as [Use, Parameters<typeof bit>[0]][]) {
    const other = bit(instead[use] ?? name);
    t.same(
      refusals(() => requireUsage(key('Active', other), use, judged())),
      allowed,
      `${use} by its other bit`,
    );
    t.same(
      refusals(() => requireUsage(key('Active', bit(name)), use, judged())),
      allowed,
      `${use} with ${name}`,
    );
    t.same(
      refusals(() => requireUsage(key('Active', everything & ~bit(name) & ~other), use, judged())),
      wrongMask,
      `${use} without`,
    );
    t.same(
      refusals(() => requireUsage(key('Active', 0), use, judged())),
      wrongMask,
      `${use} with an empty mask`,
    );
    t.same(
      refusals(() => requireUsage(key('Active', bit('Unrestricted')), use, judged())),
      allowed,
      `${use}, unrestricted`,
    );
  }
});

t.test('requireUsage checks the state before the mask', async (t) => {
  t.same(
    refusals(() => requireUsage(key('PreActive', 0), 'Encrypt', judged())),
    wrongState,
  );
});

t.test('requireUsage checks Process Start Date and Protect Stop Date', async (t) => {
  const object = key('Active');
  object.attributes.set('ProcessStartDate', now);
  object.attributes.set('ProtectStopDate', now);
  t.same(
    refusals(() => requireUsage(object, 'Decrypt', judged(now - 1))),
    wrongState,
    'not before Process Start Date',
  );
  t.same(
    refusals(() => requireUsage(object, 'Decrypt', judged())),
    allowed,
  );
  t.same(
    refusals(() => requireUsage(object, 'Encrypt', judged(now - 1))),
    allowed,
  );
  t.same(
    refusals(() => requireUsage(object, 'Encrypt', judged())),
    wrongState,
    'not from Protect Stop Date on',
  );
});

t.test('requireUsage refuses an archived key', async (t) => {
  const object = key('Active');
  archive(object.attributes, now);
  t.equal(refusals(() => requireUsage(object, 'Encrypt', judged()))[0], 'ObjectArchived');
});

const defaults: [
  ObjectTypeName,
  CryptographicAlgorithm | undefined,
  Parameters<typeof bit>[0][] | undefined,
][] = [
  ['SymmetricKey', 'AES', ['Encrypt', 'Decrypt']],
  ['SymmetricKey', 'HMAC_SHA256', ['MACGenerate', 'MACVerify']],
  ['SymmetricKey', undefined, ['Encrypt', 'Decrypt']],
  ['SplitKey', 'AES', ['Encrypt', 'Decrypt']],
  ['PrivateKey', 'RSA', ['Sign', 'Decrypt']],
  ['PublicKey', 'RSA', ['Verify', 'Encrypt']],
  ['PrivateKey', 'ECDSA', ['Sign']],
  ['PublicKey', 'Ed25519', ['Verify']],
  ['PrivateKey', 'EC', ['Sign', 'KeyAgreement']],
  ['PublicKey', 'EC', ['Verify', 'KeyAgreement']],
  ['PrivateKey', 'ECDH', ['KeyAgreement']],
  ['PublicKey', 'DH', ['KeyAgreement']],
  ['Certificate', 'RSA', ['Verify']],
  ['SecretData', undefined, ['DeriveKey']],
  ['OpaqueObject', undefined, undefined],
  ['PGPKey', undefined, undefined],
  ['Template', undefined, undefined],
];

t.test('defaultUsageMask returns the mask of the type and algorithm', async (t) => {
  for (const [type, algorithm, bits] of defaults) {
    const mask = bits?.reduce((sum, name) => sum | bit(name), 0);
    t.equal(defaultUsageMask(type, algorithm), mask, `${type} ${algorithm}`);
  }
});

t.test('Usage Limits are decremented and refuse more than is left', async (t) => {
  const limited = (UsageLimitsUnit: 'Byte' | 'Object', UsageLimitsTotal: bigint) =>
    aesKey([
      { name: 'UsageLimits', value: { UsageLimitsTotal, UsageLimitsUnit } },
      { name: 'ActivationDate', value: now },
    ]);
  const left = (object: ManagedObject) => object.attributes.get('UsageLimits')?.UsageLimitsCount;
  const huge = 2n ** 62n;
  const object = limited('Byte', huge);
  t.equal(left(object), huge, 'the count starts at the total');
  allocateUsage(object, 1n, at(now + 1));
  t.equal(left(object), huge - 1n, 'exact beyond 2^53');
  t.equal(object.attributes.get('LastChangeDate'), now + 1);
  t.same(
    refusals(() => allocateUsage(object, huge, at(now))),
    ['PermissionDenied', 'UsageLimitExceeded', 'UsageLimitExceeded'],
  );
  allocateUsage(object, huge - 1n, at(now));
  t.equal(left(object), 0n);
  t.same(
    refusals(() => allocateUsage(object, -1n, at(now))),
    ['InvalidField', 'InvalidField', 'InvalidField'],
  );
  t.same(
    refusals(() => allocateUsage(aesKey(), 1n, at(now))),
    ['IllegalOperation', 'AttributeNotFound', 'AttributeNotFound'],
  );

  const stopped = limited('Byte', 20n);
  stopped.attributes.set('ProtectStopDate', now + 10);
  allocateUsage(stopped.clone(), 1n, at(now + 9));
  t.same(
    refusals(() => allocateUsage(stopped, 1n, at(now + 10))),
    ['IllegalOperation', ...wrongState.slice(1)],
  );

  const bytes = limited('Byte', 20n);
  countUse(bytes, 16, at(now));
  t.equal(left(bytes), 4n);
  // CS-BC-M-7
  t.same(
    refusals(() => countUse(bytes, 16, at(now))),
    ['PermissionDenied', 'PermissionDenied', 'PermissionDenied'],
  );
  t.equal(left(bytes), 4n, 'a refused use does not count');
  const objects = limited('Object', 2n);
  countUse(objects, 1_000_000, at(now));
  t.equal(left(objects), 1n);
  const free = aesKey();
  countUse(free, 16, at(now));
  t.notOk(free.attributes.has('UsageLimits'));
});

t.test('requireUsage puts no private key that ever was of an authority on data', async (t) => {
  const permitted = { now, principal: {}, certification: { authorityKeysForData: true } };
  const onData = [...protect, ...process, 'AuthenticateKey', 'AgreeKey', 'UnwrapWithEitherBit'] as const;
  for (const use of onData)
    for (const authority of ['CertificateSign', 'CRLSign'] as const)
      for (const when of ['now', 'before'] as const)
        for (const type of ['PrivateKey', 'PublicKey'] as const) {
          const bits = everything & ~bit('CertificateSign') & ~bit('CRLSign');
          const stored = registered(type);
          stored.setValue({ ...symmetricKey(), type } as ManagedObjectValue);
          stored.attributes.set('State', 'Active');
          stored.attributes.set('CryptographicUsageMask', when === 'now' ? bits | bit(authority) : bits);
          if (when === 'before') stored.changeProvenance({ masks: bit(authority) });
          const what = `${use} ${authority} ${when} ${type}`;
          const isRefused = type === 'PrivateKey' && use !== 'Certify';
          const isWithoutBit = use === 'Certify' && !(when === 'now' && authority === 'CertificateSign');
          t.same(
            refusals(() => requireUsage(stored, use, judged())),
            isRefused || isWithoutBit ? wrongMask : allowed,
            what,
          );
          if (!isWithoutBit)
            t.same(
              refusals(() => requireUsage(stored, use, permitted)),
              allowed,
              what,
            );
        }
});
