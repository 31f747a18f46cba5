import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { createAuthority, issueClient } from '../../../certs/issue.ts';
import { generateKey, openAuthority } from '../../../certs/keys.ts';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { GetAttributeList } from '../../../src/operations/attributes/get-attribute-list.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { aes, having, outcome, succeed } from '../operations/ask.ts';
import {
  active,
  counted,
  encryptWith,
  mask,
  register,
  secret,
  symmetric,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, provenanceOf, sensitive } from './history.ts';

/** What an answer tells beside the value that was asked for: functions of values, and other objects. */

const services = [
  [await TestService.open(), 'strict'],
  [await TestService.open({ protection: 'kmip' }), 'kmip'],
] as const;
t.teardown(() => Promise.all(services.map(([service]) => service.close())));

const locked: Attribute = { name: 'Extractable', value: false };
const protections: readonly (readonly Attribute[])[] = [[], [sensitive], [locked], [sensitive, locked]];
const caKey = await generateKey('ec');
const ca = openAuthority(await createAuthority('Test CA', caKey), caKey);
const client = await issueClient(ca, 'one', 'ec');
const pkcs8 = new Uint8Array(client.key.export({ type: 'pkcs8', format: 'der' }));
const pair = await nodeCrypto.generateKeyPair({ algorithm: 'EC', curve: 'P_256' });
const keyed = (
  type: 'PrivateKey' | 'PublicKey',
  KeyFormatType: 'PKCS_8' | 'X_509',
  KeyMaterial: Uint8Array,
): ManagedObjectValue => ({
  type,
  value: { KeyBlock: { KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] } } },
});
const certificateOf = (pem: string): ManagedObjectValue => ({
  type: 'Certificate',
  value: { CertificateType: 'X_509', CertificateValue: new Uint8Array(new X509Certificate(pem).raw) },
});

const objects: readonly (readonly [ManagedObjectValue, isPublic: boolean])[] = [
  [symmetric(counted(32)), false],
  [symmetric(counted(200), 'HMAC_SHA256'), false],
  [secret(counted(20)), false],
  [keyed('PrivateKey', 'PKCS_8', pkcs8), false],
  [
    {
      type: 'SplitKey',
      value: {
        SplitKeyParts: 2,
        KeyPartIdentifier: 1,
        SplitKeyThreshold: 2,
        SplitKeyMethod: 'XOR',
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: { KeyMaterial: counted(16), Attributes: [] },
          CryptographicAlgorithm: 'AES',
          CryptographicLength: 128,
        },
      },
    } as never,
    false,
  ],
  [
    { type: 'OpaqueObject', value: { OpaqueDataType: 0x80000001, OpaqueDataValue: counted(9) } } as never,
    false,
  ],
  [keyed('PublicKey', 'X_509', pair.publicKey), true],
  [certificateOf(client.certificate), true],
];

t.test('clients see the Digest of a protected value nowhere, and find nothing by it', async (t) => {
  for (const [service, mode] of services)
    for (const [object, isPublic] of objects)
      for (const attributes of protections) {
        const notified = new Promise<readonly Attribute[]>((resolve) => {
          const end = service.events.subscribe('g', ({ changes }) => {
            end();
            resolve(changes.changed);
          });
        });
        const id = await register(service, object, active, ...attributes);
        const isShown = mode === 'kmip' || isPublic || attributes.length === 0;
        const which = `${mode} ${object.type} ${attributes.map(({ name }) => name)}`;
        const has = (list: readonly { name: string }[]) => list.some(({ name }) => name === 'Digest');
        t.equal(has(await notified), isShown, `${which}: Notify`);
        const { DigestValue } = nodeCrypto.digestObject(object) ?? {};
        for (const version of ['1.4', '2.1'] as const) {
          const asked = { UniqueIdentifier: id };
          const all = await succeed(service, version, GetAttributes, asked);
          t.equal(has(all.Attributes), isShown, `${which}: Get Attributes ${version}`);
          const named = { ...asked, AttributeReference: [{ name: 'Digest' }] };
          t.equal(has((await succeed(service, version, GetAttributes, named)).Attributes), isShown);
          const list = await succeed(service, version, GetAttributeList, asked);
          t.equal(has(list.AttributeReference), isShown, `${which}: Get Attribute List ${version}`);
          for (const value of [
            { DigestValue },
            { HashingAlgorithm: 'SHA_256' },
            { DigestValue, HashingAlgorithm: 'SHA_256' },
          ]) {
            const condition: Attribute = { name: 'Digest', value: value as never };
            const found = await succeed(service, version, Locate, { Attributes: [condition] });
            t.equal(found.UniqueIdentifier.includes(id), isShown, `${which}: Locate ${version}`);
          }
          const type: Attribute = { name: 'ObjectType', value: object.type };
          const byType = await succeed(service, version, Locate, { Attributes: [type] });
          t.ok(byType.UniqueIdentifier.includes(id), `${which}: other conditions find it`);
        }
        if (attributes.length === 0) {
          const { Attributes } = await succeed(service, '2.1', Export, { UniqueIdentifier: id });
          t.ok(has(Attributes), `${which}: Export`);
        }
      }
});

t.test('Export of a Sensitive key under a closed one holds no Digest', async (t) => {
  for (const [service, mode] of services) {
    const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes, sensitive),
    });
    const wrapping = encryptWith(await closedKey(service), { AttributeName: [{ name: 'Digest' }] });
    const { Attributes } = await succeed(service, '2.1', Export, { UniqueIdentifier, ...wrapping });
    t.equal(
      Attributes.some(({ name }) => name === 'Digest'),
      mode === 'kmip',
      mode,
    );
  }
});

t.test('a certificate leaves in the PKCS#12 of a key as it would leave by Get', async (t) => {
  const link = (LinkType: 'PKCS_12PasswordLink' | 'PKCS_12CertificateLink', id: string): Attribute => ({
    name: 'Link',
    value: { LinkType, LinkedObjectIdentifier: id },
  });
  const words = { ...secret(counted(9).map((byte) => byte + 65)) } as { type: 'SecretData'; value: object };
  const password = { type: 'SecretData', value: { ...words.value, SecretDataType: 'Password' } } as never;
  for (const [service, mode] of services) {
    const phrase = await register(service, password, active, mask('DeriveKey'));
    for (const issuerProtection of protections)
      for (const ownProtection of protections) {
        const issuer = await register(service, certificateOf(ca.certificate), ...issuerProtection);
        const own = await register(
          service,
          certificateOf(client.certificate),
          link('PKCS_12CertificateLink', issuer),
          ...ownProtection,
        );
        const key = await register(
          service,
          keyed('PrivateKey', 'PKCS_8', pkcs8),
          link('PKCS_12PasswordLink', phrase),
          link('PKCS_12CertificateLink', own),
        );
        const asked = { UniqueIdentifier: key, KeyFormatType: 'PKCS_12' } as const;
        for (const operation of [Get, Export]) {
          const found = await outcome(service, '2.1', operation, asked);
          const alone = [
            await outcome(service, '2.1', Get, { UniqueIdentifier: own }),
            await outcome(service, '2.1', Get, { UniqueIdentifier: issuer }),
          ].find((answer) => answer !== 'Success');
          t.equal(found, alone ?? 'Success', `${mode} ${operation.name}`);
          if (found === 'Success') t.equal((await provenanceOf(service, issuer)).shown, 'clear');
        }
      }
  }
});
