import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyFormatType } from '../../../codec/enums.ts';
import type { Version } from '../../../codec/version.ts';
import type { SecretSharingScheme } from '../../../src/crypto/secret-sharing.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active } from '../keys.ts';
import { attributesOf, having, outcome, succeed, versionsOf } from '../operations/ask.ts';
import { p256 } from '../operations/certificates/authority.ts';
import { TestService } from '../service.ts';
import {
  createPair,
  type Protection,
  protections,
  protectLater,
  registerSecret,
  sensitive,
} from './flow-inputs.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const none = protections[0] as Protection;
const guarded = protections.slice(1);
const versions = versionsOf(JoinSplitKey);
const methods = [
  'XOR',
  'PolynomialSharingGF2_8',
  'PolynomialSharingGF2_16',
  'PolynomialSharingPrimeField',
] as const;
const types = ['SymmetricKey', 'SecretData', 'PrivateKey'] as const;

/** The prime 2^521 − 1. */
const mersenne = new Uint8Array(72).fill(255, 7).fill(1, 6, 7);

interface Share {
  readonly method: SecretSharingScheme['method'];
  readonly part: number;
  readonly bytes: number;
  readonly format?: KeyFormatType;
  /** Cryptographic Length that the part states. */
  readonly bits?: number | undefined;
}

/** Registers a part, as a client that makes parts up would. */
async function registerShare(
  { method, part, bytes, format = 'Raw', bits }: Share,
  protection: Protection,
  at = service,
): Promise<string> {
  const KeyBlock = {
    KeyFormatType: format,
    KeyValue: { KeyMaterial: new Uint8Array(bytes).fill(part, bytes - 1), Attributes: [] },
    CryptographicAlgorithm: 'AES' as const,
    CryptographicLength: bits,
  };
  const scheme = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: method };
  const prime = method === 'PolynomialSharingPrimeField' ? { PrimeFieldSize: mersenne } : {};
  const value = { ...scheme, ...prime, KeyPartIdentifier: part, KeyBlock };
  const { UniqueIdentifier: id } = await succeed(at, '2.1', Register, {
    ObjectType: 'SplitKey',
    Attributes: having(...protection.first),
    Object: { type: 'SplitKey', value },
  });
  await protectLater(at, id, protection);
  return id;
}

const join = (
  version: Version,
  ids: readonly string[],
  type: string,
  { at = service, stated = [] }: { at?: TestService; stated?: readonly Attribute[] } = {},
) =>
  outcome(at, version, JoinSplitKey, {
    ObjectType: type,
    UniqueIdentifier: ids,
    Attributes: having(...stated),
  });

function reasonFor(version: Version, { name }: Protection): string {
  if (version === '1.2') return 'PermissionDenied';
  return name === 'Sensitive' ? 'Sensitive' : 'NotExtractable';
}

t.test(
  'protected parts are joined with foreign ones only where the outcome tells nothing of them',
  async (t) => {
    // Length of the shares in bytes, and the length in bits that both parts state.
    const lengths = [
      [16, undefined],
      [16, 128],
      [16, 120],
      [16, 8],
      [8, 64],
    ] as const;
    for (const method of methods) {
      for (const [bytes, bits] of lengths) {
        for (const format of ['Raw', 'PKCS_8'] as const) {
          const share = { method, bytes, bits, format };
          const foreign = await registerShare({ ...share, part: 2 }, none);
          for (const protection of guarded) {
            const own = await registerShare({ ...share, part: 1 }, protection);
            const isSilent =
              bytes === 16 &&
              (bits ?? 128) === 128 &&
              format === 'Raw' &&
              method !== 'PolynomialSharingPrimeField';
            for (const type of types) {
              for (const version of versions) {
                for (const ids of [
                  [own, foreign],
                  [foreign, own],
                ]) {
                  const expected =
                    isSilent && type !== 'PrivateKey' ? 'Success' : reasonFor(version, protection);
                  const which = `${version} ${method} ${bytes} ${bits} ${format} ${type} ${protection.name}`;
                  t.equal(await join(version, ids, type), expected, which);
                }
              }
            }
          }
        }
      }
    }
  },
);

t.test('a foreign part does not decide length and format of what protected parts make up', async (t) => {
  for (const protection of guarded) {
    const own = await registerShare({ method: 'XOR', part: 1, bytes: 16, bits: 128 }, protection);
    const foreign = await registerShare({ method: 'XOR', part: 2, bytes: 16, bits: 120 }, none);
    for (const version of versions) {
      t.equal(await join(version, [foreign, own], 'SymmetricKey'), 'Success');
      const open = await registerShare({ method: 'XOR', part: 1, bytes: 16 }, protection);
      const stated = { name: 'CryptographicLength', value: 120 } as const;
      const both = await registerShare({ method: 'XOR', part: 2, bytes: 16 }, none);
      const actual = await join(version, [open, both], 'SymmetricKey', { stated: [stated] });
      t.equal(actual, reasonFor(version, protection), `${version}: the request states a length`);
    }
  }
});

t.test('all parts of one Create Split Key are joined, whatever they make up', async (t) => {
  for (const protection of guarded) {
    const pair = await createPair(service, 'ECDSA', protection, 'private', ...p256);
    const short = await registerSecret(service, protection, Uint8Array.of(7, 7, 7));
    for (const method of methods) {
      for (const [id, type] of [
        [pair.privateKey, 'PrivateKey'],
        [short, 'SecretData'],
      ] as const) {
        const split = await succeed(service, '2.1', CreateSplitKey, {
          ObjectType: 'SplitKey',
          UniqueIdentifier: id,
          SplitKeyParts: 2,
          SplitKeyThreshold: 2,
          SplitKeyMethod: method,
          Attributes: having(active),
        });
        const { UniqueIdentifier: parts } = split;
        for (const version of versions)
          t.equal(await join(version, parts, type), 'Success', `${version} ${method} ${type}`);
      }
    }
  }
});

t.test('a part that Import has put in the place of another is foreign', async (t) => {
  const secret = await registerSecret(service, none);
  const { UniqueIdentifier: parts } = await succeed(service, '2.1', CreateSplitKey, {
    ObjectType: 'SplitKey',
    UniqueIdentifier: secret,
    SplitKeyParts: 2,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'PolynomialSharingPrimeField',
    Attributes: having(),
  });
  const [first, second] = parts as [string, string];
  t.equal(await join('2.1', parts, 'SecretData'), 'Success', 'before');
  const { Object } = await succeed(service, '2.1', Export, { UniqueIdentifier: second });
  const request = { UniqueIdentifier: second, ReplaceExisting: true, Attributes: [], Object };
  await succeed(service, '2.1', Import, request);
  t.equal(await join('2.1', parts, 'SecretData'), 'Success', 'free parts');
  await protectLater(service, first, { name: 'later', first: [], later: [sensitive] });
  t.equal(await join('2.1', parts, 'SecretData'), 'Sensitive', 'one of them protected');
});

t.test('what is joined of mixed parts is as protected as the most protected one', async (t) => {
  const own = await registerShare({ method: 'XOR', part: 1, bytes: 16, bits: 128 }, guarded[2] as Protection);
  const foreign = await registerShare({ method: 'XOR', part: 2, bytes: 16, bits: 128 }, none);
  const { UniqueIdentifier: id } = await succeed(service, '2.1', JoinSplitKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [foreign, own],
    Attributes: having({ name: 'Sensitive', value: false }, { name: 'Extractable', value: true }),
  });
  const found = (name: string, all: readonly Attribute[]) => all.find((each) => each.name === name)?.value;
  const all = await attributesOf(service, id);
  t.same([found('Sensitive', all), found('Extractable', all)], [true, false]);
});

t.test('protection kmip joins protected parts of any origin', async (t) => {
  const lenient = await TestService.open({ protection: 'kmip' });
  t.teardown(() => lenient.close());
  for (const protection of guarded) {
    for (const method of methods) {
      const share = { method, bytes: 16, bits: 128 };
      const own = await registerShare({ ...share, part: 1 }, protection, lenient);
      const foreign = await registerShare({ ...share, part: 2 }, none, lenient);
      const actual = await join('2.1', [own, foreign], 'SymmetricKey', { at: lenient });
      t.notMatch(actual, /Sensitive|NotExtractable/, `${method} ${protection.name}`);
    }
  }
});
