import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { DerivationMethod } from '../../../codec/enums.ts';
import { isWithin, type Version } from '../../../codec/version.ts';
import { Certify } from '../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../src/operations/certificates/re-certify.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../src/operations/creation/re-key-key-pair.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { SetDefaults } from '../../../src/operations/group-policy/set-defaults.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { attributesOf, having, named, succeed, testedVersions, versionsOf } from '../operations/ask.ts';
import { authority, keyPair, linkTo, name, p256 } from '../operations/certificates/authority.ts';
import { others } from '../operations/objects.ts';
import { TestService } from '../service.ts';
import {
  createPair,
  derivations,
  derive,
  open,
  type Protection,
  protections,
  protectLater,
  registerKey,
  registerPart,
  registerSecret,
  sensitive,
  statements,
} from './flow-inputs.ts';

const service = await TestService.open();
// Under strict protection keys that are not extractable are not divided, nor foreign parts joined.
const lenient = await TestService.open({ protection: 'kmip' });
t.teardown(() => Promise.all([service.close(), lenient.close()]));
const issuer = await authority(service);
const none = protections[0] as Protection;

/** Identifiers of what went in and of what came out. */
interface Made {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}
type Stated = readonly Attribute[];

/** An operation that makes objects from others, with the input that is protected. */
interface Flow {
  readonly name: string;
  readonly versions: readonly Version[];
  /** The service it runs on, when it is another. */
  readonly at?: TestService;
  make(version: Version, protection: Protection, stated: Stated): Promise<Made>;
}

const derivingVersions = ['1.0', '1.4', '2.1'] as const;
const methods = Object.keys(derivations) as (keyof typeof derivations)[];
const fromKey: readonly Flow[] = methods
  .filter((method) => method !== 'AsymmetricKey')
  .flatMap((method) =>
    (['SymmetricKey', 'SecretData'] as const).map((type) => ({
      name: `Derive Key, ${type}, ${method}: the key`,
      versions: derivingVersions.filter((version) => DerivationMethod.isKnownIn(method, version)),
      async make(version, protection, stated) {
        const id = await registerKey(service, protection);
        return {
          inputs: [id],
          outputs: [await derive(service, version, { method, ids: [id], type, stated })],
        };
      },
    })),
  );

/** Methods that hide their data. */
const hiding = ['HMAC', 'NIST800_108_C', 'NIST800_108_F', 'NIST800_108_DPI', 'HKDF'] as const;
const fromData: readonly Flow[] = hiding.map((method) => ({
  name: `Derive Key, ${method}: the data`,
  versions: derivingVersions.filter((version) => DerivationMethod.isKnownIn(method, version)),
  async make(version, protection, stated) {
    const ids = [await registerKey(service, none), await registerSecret(service, protection)];
    const parameters = { ...derivations[method], DerivationData: [] };
    return { inputs: ids, outputs: [await derive(service, version, { method, ids, parameters, stated })] };
  },
}));

const agreement: Flow = {
  name: 'Derive Key, AsymmetricKey: the private key',
  versions: ['2.0', '2.1'],
  async make(version, protection, stated) {
    const own = await createPair(service, 'ECDH', protection, 'private', ...curve);
    const ids = [own.privateKey, own.publicKey];
    const id = await derive(service, version, { method: 'AsymmetricKey', ids, stated });
    return { inputs: [own.privateKey], outputs: [id] };
  },
};
const curve: readonly Attribute[] = [
  { name: 'CryptographicDomainParameters', value: { RecommendedCurve: 'P_256' } },
  { name: 'CryptographicUsageMask', value: 0x8000 | 0x200 },
];

const splitting: Flow = {
  name: 'Create Split Key: the key',
  versions: versionsOf(CreateSplitKey),
  at: lenient,
  async make(version, protection, stated) {
    const id = await registerKey(lenient, protection);
    const { UniqueIdentifier: outputs } = await succeed(lenient, version, CreateSplitKey, {
      ObjectType: 'SplitKey',
      UniqueIdentifier: id,
      SplitKeyParts: 3,
      SplitKeyThreshold: 2,
      SplitKeyMethod: 'PolynomialSharingGF2_8',
      Attributes: having(...stated),
    });
    return { inputs: [id], outputs };
  },
};

const joining: readonly Flow[] = [1, 2].map((protectedPart) => ({
  name: `Join Split Key: part ${protectedPart}`,
  versions: versionsOf(JoinSplitKey),
  at: lenient,
  async make(version, protection, stated) {
    const inputs = await Promise.all(
      [1, 2].map((part) => registerPart(lenient, part, part === protectedPart ? protection : none)),
    );
    const { UniqueIdentifier: id } = await succeed(lenient, version, JoinSplitKey, {
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: inputs,
      Attributes: having(...stated),
    });
    return { inputs, outputs: [id] };
  },
}));

const reKey: Flow = {
  name: 'Re-key: the old key',
  versions: testedVersions,
  async make(version, protection, stated) {
    const id = await registerKey(service, protection);
    const request = { UniqueIdentifier: id, Attributes: having(...stated) };
    return {
      inputs: [id],
      outputs: [(await succeed(service, version, ReKey, request)).UniqueIdentifier],
    };
  },
};

const reKeyPair: readonly Flow[] = (['private', 'public'] as const).map((half) => ({
  name: `Re-key Key Pair: the ${half} key`,
  versions: versionsOf(ReKeyKeyPair),
  async make(version, protection, stated) {
    const old = await createPair(service, 'ECDSA', protection, half, ...p256);
    const made = await succeed(service, version, ReKeyKeyPair, {
      PrivateKeyUniqueIdentifier: old.privateKey,
      CommonAttributes: having(...stated),
    });
    return half === 'private'
      ? { inputs: [old.privateKey], outputs: [made.PrivateKeyUniqueIdentifier] }
      : { inputs: [old.publicKey], outputs: [made.PublicKeyUniqueIdentifier] };
  },
}));

const certifying: readonly Flow[] = [
  {
    name: 'Certify: the public key',
    versions: testedVersions,
    async make(version, protection, stated) {
      const { publicKey } = await createPair(service, 'ECDSA', protection, 'public', ...p256);
      const subject: Stated = isWithin(version, '1.4') ? name('Subject', { CN: 'x' }) : legacySubject;
      const { UniqueIdentifier: id } = await succeed(service, version, Certify, {
        UniqueIdentifier: publicKey,
        Attributes: having(...subject, linkTo(issuer.certificate), ...stated),
      });
      return { inputs: [publicKey], outputs: [id] };
    },
  },
  {
    name: 'Re-certify: the old certificate',
    versions: testedVersions,
    async make(version, protection, stated) {
      const { publicKey } = await keyPair(service);
      const { UniqueIdentifier: certificate } = await succeed(service, '2.1', Certify, {
        UniqueIdentifier: publicKey,
        Attributes: having(...name('Subject', { CN: 'y' }), linkTo(issuer.certificate), ...protection.first),
      });
      await protectLater(service, certificate, protection);
      const { UniqueIdentifier: id } = await succeed(service, version, ReCertify, {
        UniqueIdentifier: certificate,
        Attributes: having(...stated),
      });
      return { inputs: [certificate, publicKey], outputs: [id] };
    },
  },
];
const legacySubject: Stated = [
  {
    name: 'CertificateSubject',
    value: { CertificateSubjectDistinguishedName: 'CN=x', CertificateSubjectAlternativeName: [] },
  } as never,
];

const encapsulating: Flow = {
  name: 'Encrypt, encapsulation: the public key',
  versions: ['2.1'],
  async make(version, protection) {
    const { publicKey } = await createPair(service, 'ML_KEM_768' as never, protection, 'public');
    const made = await succeed(service, version, Encrypt, { UniqueIdentifier: publicKey });
    return { inputs: [publicKey], outputs: [made.UniqueIdentifier] };
  },
};

const replacing: Flow = {
  name: 'Import: the object that is replaced',
  versions: versionsOf(Import),
  async make(version, protection, stated) {
    const { UniqueIdentifier: id } = await succeed(service, '2.1', Register, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...protection.first),
      Object: aes,
    });
    await protectLater(service, id, protection);
    const before = await historyOf(id);
    const request = { UniqueIdentifier: id, ReplaceExisting: true, Attributes: stated, Object: aes };
    await succeed(service, version, Import, request);
    earlier.set(id, before);
    return { inputs: [id], outputs: [id] };
  },
};
const aes = others.find(([title]) => title === 'raw AES')?.[1];

const flows: readonly Flow[] = [
  ...fromKey,
  ...fromData,
  agreement,
  splitting,
  ...joining,
  reKey,
  ...reKeyPair,
  ...certifying,
  encapsulating,
  replacing,
];

type History = Readonly<Record<string, unknown>>;
/** Attributes of objects before they were replaced. */
const earlier = new Map<string, History>();
async function historyOf(id: string, at = service): Promise<History> {
  return Object.fromEntries((await attributesOf(at, id)).map((each) => [each.name, each.value]));
}

for (const flow of flows) {
  t.test(`${flow.name} binds the protection of the new object`, async (t) => {
    for (const version of flow.versions) {
      for (const protection of protections) {
        for (const stated of isWithin(version, '1.4') ? statements : [[]]) {
          const { inputs, outputs } = await flow.make(version, protection, stated);
          const before = await Promise.all(
            inputs.map(async (id) => earlier.get(id) ?? historyOf(id, flow.at)),
          );
          const which = `${version}, ${protection.name}, stated ${JSON.stringify(stated)}`;
          const bound = [...protection.first, ...(protection.later ?? [])];
          const isStated = (name: string) =>
            flow !== encapsulating && stated === statements[2] && name !== '';
          const isSensitive = bound.includes(sensitive) || isStated('Sensitive');
          const isLocked = bound.some(({ name }) => name === 'Extractable') || isStated('Extractable');
          const all = (name: string) => before.every((each) => each[name] === true);
          for (const id of outputs) {
            const after = await historyOf(id, flow.at);
            t.equal(after.Sensitive, isSensitive, `${which}: Sensitive`);
            t.equal(after.Extractable, !isLocked, `${which}: Extractable`);
            t.notOk(after.AlwaysSensitive && !(isSensitive && all('AlwaysSensitive')), `${which}: always`);
            t.notOk(after.NeverExtractable && !(isLocked && all('NeverExtractable')), `${which}: never`);
          }
        }
      }
    }
  });
}

t.test('neither defaults of the group nor Templates loosen what is derived', async (t) => {
  const guarded = await TestService.open();
  t.teardown(() => guarded.close());
  const ids = [await registerKey(guarded, { name: 'both', first: [sensitive] })];
  const types = { ObjectTypes: { ObjectType: ['SecretData', 'SymmetricKey'] } };
  const ObjectDefaults = [{ ...types, Attributes: [...open] }];
  await succeed(guarded, '2.1', SetDefaults, { DefaultsInformation: { ObjectDefaults } });
  for (const version of testedVersions) {
    const id = await derive(guarded, version, { method: 'HMAC', ids });
    const found = (await attributesOf(guarded, id)).find((each) => each.name === 'Sensitive');
    t.equal(found?.value, true, `${version}: defaults`);
  }
  const Object = { type: 'Template', value: { Attributes: [...open] } };
  const template = { ObjectType: 'Template', Attributes: having(named('open')), Object };
  await succeed(guarded, '1.4', Register, template);
  const { UniqueIdentifier: id } = await succeed(guarded, '1.4', DeriveKey, {
    ObjectType: 'SecretData',
    UniqueIdentifier: ids,
    DerivationMethod: 'HMAC',
    DerivationParameters: derivations.HMAC,
    Attributes: {
      attributes: [{ name: 'CryptographicLength', value: 128 }],
      templates: [{ NameValue: 'open', NameType: 'UninterpretedTextString' }],
    },
  });
  const found = (await attributesOf(guarded, id)).find((each) => each.name === 'Sensitive');
  t.equal(found?.value, true, 'Template');
});
