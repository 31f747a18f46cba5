import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { type AttributeName, attributeTable, isAttributeKnownIn } from '../../../../codec/attribute-table.ts';
import type { ObjectTypeName } from '../../../../codec/structures/managed-objects.ts';
import { eraOf, type Version } from '../../../../codec/version.ts';
import { attributeRules, isApplicableTo } from '../../../../src/object/attributes.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../../../src/operations/creation/join-split-key.ts';
import { ReKey } from '../../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../../src/operations/creation/re-key-key-pair.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { smallCertificate } from '../../../unit/crypto/node/vectors.ts';
import { withMask } from '../../keys.ts';
import { TestService } from '../../service.ts';
import { aes, ask, attributesOf, having, type Reply, succeed } from '../ask.ts';
import { counted, symmetric } from '../transfer/wrapping-keys.ts';

/* Every attribute, stated in every operation that makes keys or registers objects. */

const service = await TestService.open();
t.teardown(() => service.close());
t.setTimeout(120_000);

const past = 1_700_000_000;
const uninterpreted = 'UninterpretedTextString';
/** A value of each attribute that no object of these tests has of itself. */
const chosen: Partial<Record<AttributeName, unknown>> = {
  Name: { NameValue: 'n', NameType: uninterpreted },
  CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
  CryptographicDomainParameters: { RecommendedCurve: 'P_256' },
  OperationPolicyName: 'mine',
  UsageLimits: { UsageLimitsTotal: 1_000_000n, UsageLimitsUnit: 'Byte' },
  ActivationDate: past,
  ProcessStartDate: past + 1,
  ProtectStopDate: past + 1_000_000_000,
  DeactivationDate: past + 2_000_000_000,
  DestroyDate: past,
  CompromiseOccurrenceDate: past,
  CompromiseDate: past,
  RevocationReason: { RevocationReasonCode: 'Superseded' },
  ArchiveDate: past,
  ObjectGroup: 'red',
  Link: { LinkType: 'ParentLink', LinkedObjectIdentifier: 'nobody' },
  ApplicationSpecificInformation: { ApplicationNamespace: 'a', ApplicationData: 'b' },
  ContactInformation: 'me',
  Fresh: false,
  AlternativeName: { AlternativeNameValue: 'other', AlternativeNameType: uninterpreted },
  KeyValuePresent: false,
  KeyValueLocation: { KeyValueLocationValue: 'there', KeyValueLocationType: uninterpreted },
  OriginalCreationDate: past,
  RandomNumberGenerator: { RNGAlgorithm: 'DRBG' },
  PKCS_12FriendlyName: 'friend',
  Description: 'd',
  Comment: 'c',
  Sensitive: true,
  NISTKeyType: 'PrivateSignatureKey',
  OpaqueDataType: 0x80000001,
  ProtectionLevel: 'High',
  ProtectionPeriod: 3_600,
  QuantumSafe: false,
  RotateAutomatic: false,
  RotateDate: past,
  RotateGeneration: 1,
  RotateInterval: 3_600,
  RotateLatest: true,
  RotateName: { RotateNameValue: 'r', RotateNameType: uninterpreted },
  RotateOffset: 60,
};

type Stated = readonly Attribute[];
type Maker = (version: Version, stated: Stated) => Promise<Pick<Reply<unknown>, 'reason' | 'id'>>;

/** Attributes of a request, without those that a stated one replaces. */
const beside = (stated: Stated, ...own: Stated) =>
  having(...own.filter((each) => !stated.some(({ name }) => name === each.name)), ...stated);
const uses = withMask('DeriveKey', 'Encrypt', 'Decrypt');
const active: Attribute = { name: 'ActivationDate', value: 1 };
const ec: Stated = [
  { name: 'CryptographicAlgorithm', value: 'EC' },
  { name: 'CryptographicLength', value: 256 },
];
const certificate = {
  type: 'Certificate',
  value: { CertificateType: 'X_509', CertificateValue: smallCertificate },
};

/** A new key with the uses of its descendants. */
async function oldKey(): Promise<string> {
  const Attributes = having(...aes.slice(0, 2), uses, active);
  return (await succeed(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes })).UniqueIdentifier;
}

const scheme = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' } as const;
const halves = { PrivateKey: withMask('Sign'), PublicKey: withMask('Verify') } as const;

/** Attributes of a pair, stated for one half; algorithm and length have to be the same in both. */
function pairRequest(type: keyof typeof halves, stated: Stated, common: Stated) {
  const half = (each: keyof typeof halves) =>
    each === type ? beside(stated, halves[each]) : having(halves[each]);
  return {
    CommonAttributes: having(...common),
    PrivateKeyAttributes: half('PrivateKey'),
    PublicKeyAttributes: half('PublicKey'),
  };
}

const pairMaker =
  (type: keyof typeof halves): Maker =>
  async (version, stated) => {
    const { payload, reason } = await ask(service, version, CreateKeyPair, pairRequest(type, stated, ec));
    return { reason, id: payload?.[`${type}UniqueIdentifier`] };
  };
const replacingPairMaker =
  (type: keyof typeof halves): Maker =>
  async (version, stated) => {
    const old = await succeed(service, '2.1', CreateKeyPair, pairRequest(type, [], ec));
    const { PrivateKeyUniqueIdentifier } = old;
    const request = { PrivateKeyUniqueIdentifier, ...pairRequest(type, stated, []) };
    const { payload, reason } = await ask(service, version, ReKeyKeyPair, request);
    return { reason, id: payload?.[`${type}UniqueIdentifier`] };
  };

const makers: readonly [operation: string, type: ObjectTypeName, make: Maker][] = [
  [
    'Create',
    'SymmetricKey',
    (version, stated) =>
      ask(service, version, Create, { ObjectType: 'SymmetricKey', Attributes: beside(stated, ...aes) }),
  ],
  [
    'Create',
    'SecretData',
    (version, stated) =>
      ask(service, version, Create, {
        ObjectType: 'SecretData',
        Attributes: beside(stated, withMask('DeriveKey')),
      }),
  ],
  ['CreateKeyPair', 'PrivateKey', pairMaker('PrivateKey')],
  ['CreateKeyPair', 'PublicKey', pairMaker('PublicKey')],
  [
    'Register',
    'SymmetricKey',
    (version, stated) => {
      const Object = symmetric(counted(32));
      return ask(service, version, Register, {
        ObjectType: Object.type,
        Attributes: beside(stated, uses),
        Object,
      });
    },
  ],
  [
    'Register',
    'Certificate',
    (version, stated) => {
      const request = { ObjectType: 'Certificate', Attributes: beside(stated), Object: certificate };
      return ask(service, version, Register, request);
    },
  ],
  [
    'DeriveKey',
    'SymmetricKey',
    async (version, stated) =>
      ask(service, version, DeriveKey, {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: [await oldKey()],
        DerivationMethod: 'HMAC',
        DerivationParameters: {
          CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
          DerivationData: [counted(3)],
        },
        Attributes: beside(stated, ...aes),
      }),
  ],
  [
    'ReKey',
    'SymmetricKey',
    async (version, stated) =>
      ask(service, version, ReKey, { UniqueIdentifier: await oldKey(), Attributes: having(...stated) }),
  ],
  ['ReKeyKeyPair', 'PrivateKey', replacingPairMaker('PrivateKey')],
  ['ReKeyKeyPair', 'PublicKey', replacingPairMaker('PublicKey')],
  [
    'CreateSplitKey',
    'SplitKey',
    async (version, stated) => {
      const request = { ObjectType: 'SplitKey', ...scheme, Attributes: beside(stated, ...aes) };
      const { payload, reason } = await ask(service, version, CreateSplitKey, request);
      return { reason, id: payload?.UniqueIdentifier[0] };
    },
  ],
  [
    'JoinSplitKey',
    'SymmetricKey',
    async (version, stated) => {
      const split = { ObjectType: 'SplitKey', ...scheme, Attributes: having(...aes) };
      const { UniqueIdentifier } = await succeed(service, '2.1', CreateSplitKey, split);
      const request = { ObjectType: 'SymmetricKey', UniqueIdentifier, Attributes: having(...stated) };
      return ask(service, version, JoinSplitKey, request);
    },
  ],
];
const registered = await makers[5]?.[2]('2.1', []);
const ofCertificate = new Map(
  (await attributesOf(service, registered?.id as string, '1.4')).map(
    ({ name, value }) => [name, value] as const,
  ),
);

/** The reason why an attribute cannot be stated for an object of that type; undefined when it can be. */
function refusal(name: AttributeName, type: ObjectTypeName): string | undefined {
  const rule = attributeRules[name];
  if (rule.source === 'server') return 'AttributeReadOnly';
  return isApplicableTo(rule, type) ? undefined : 'InvalidAttribute';
}

for (const [operation, type, make] of makers) {
  t.test(`${operation} takes every attribute that a client may state for a ${type}`, async (t) => {
    for (const version of ['1.4', '2.1'] as const) {
      const plain = await make(version, []);
      const own = new Map(
        (await attributesOf(service, plain.id as string, version)).map((each) => [each.name, each.value]),
      );
      for (const name of Object.keys(attributeTable) as AttributeName[]) {
        if (!isAttributeKnownIn(name, version)) continue;
        // The value that the server gives of itself, and one of the client's choice.
        const values = [
          own.get(name),
          chosen[name] ?? (own.has(name) ? undefined : ofCertificate.get(name)),
        ].filter((each) => each !== undefined);
        if (!own.has(name) && values.length === 0) {
          t.ok(name.startsWith('Certificate'), `${name}: a part that the name of the certificate lacks`);
          continue;
        }
        for (const value of values) {
          const { id, reason } = await make(version, [{ name, value } as Attribute]);
          const when = `${version} ${name} ${own.get(name) === value ? 'as by default' : 'as chosen'}`;
          const expected = refusal(name, type);
          t.equal(
            reason,
            expected !== undefined && eraOf(version) === '1.x' ? 'InvalidField' : expected,
            when,
          );
          if (id === undefined || (name === 'Link' && own.get(name) === value)) continue;
          const kept = (await attributesOf(service, id, version)).filter((each) => each.name === name);
          t.ok(
            kept.some((each) => t.match(each.value, value as object)),
            `${when}: kept`,
          );
        }
      }
    }
  });
}
