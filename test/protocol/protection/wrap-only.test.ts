import t from 'tap';
import { eraOf } from '../../../codec/version.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { active, withMask } from '../keys.ts';
import { ask, versionsOf } from '../operations/ask.ts';
import {
  blockOf,
  counted,
  encryptWith,
  pair,
  register,
  symmetric,
  wrappedAs,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';

/** A key unwraps by the bit Unwrap Key; under `kmip` protection also by Wrap Key, as TC-WRAP-2 expects. */

const services = { strict: await TestService.open(), kmip: await TestService.open({ protection: 'kmip' }) };
t.teardown(() => Promise.all(Object.values(services).map((service) => service.close())));

/** The bits of a mask, and whether it allows unwrapping under each protection. */
const masks = [
  { bits: ['WrapKey'], strict: false, kmip: true },
  { bits: ['WrapKey', 'Encrypt'], strict: false, kmip: true },
  { bits: ['UnwrapKey'], strict: true, kmip: true },
  { bits: ['WrapKey', 'UnwrapKey'], strict: true, kmip: true },
  { bits: ['Encrypt', 'Decrypt'], strict: false, kmip: false },
] as const;

const material = counted(32);

/** The identifiers of a key that wraps and one that shall unwrap what it wraps, by the kind of key. */
const kinds: Readonly<
  Record<string, (service: TestService, ...bits: Parameters<typeof withMask>) => Promise<[string, string]>>
> = {
  AES: async (service, ...bits) => [
    await register(service, symmetric(material), active, withMask('WrapKey')),
    await register(service, symmetric(material), active, withMask(...bits)),
  ],
  RSA: async (service, ...bits) => {
    const wraps = await pair(service, { algorithm: 'RSA', bits: 2048 }, ['WrapKey', 'UnwrapKey']);
    const { Object } = (await ask(service, '2.1', Get, { UniqueIdentifier: wraps.privateKey })).payload;
    return [wraps.publicKey, await register(service, Object, active, withMask(...bits))];
  },
};

for (const [protection, service] of Object.entries(services))
  for (const [kind, makeKeys] of Object.entries(kinds))
    t.test(`${kind} keys unwrap by their mask at every way in and out: ${protection}`, async (t) => {
      for (const { bits, ...allowed } of masks) {
        const [wraps, unwraps] = await makeKeys(service, ...bits);
        const plain = await register(service, symmetric(counted(16)), withMask('Encrypt'));
        const block = await blockOf(service, plain, encryptWith(wraps, { EncodingOption: 'NoEncoding' }));
        const { KeyWrappingData: data, KeyValue: sealed } = block as {
          KeyWrappingData: { EncryptionKeyInformation: object };
          KeyValue: Uint8Array;
        };
        const information = { ...data.EncryptionKeyInformation, UniqueIdentifier: unwraps };
        const wrapped = wrappedAs(symmetric(counted(16)), sealed, {
          ...data,
          EncryptionKeyInformation: information,
        } as never);
        const stored = await register(service, wrapped);
        const ways = [
          [Get, { UniqueIdentifier: stored, KeyWrapType: 'NotWrapped' }],
          [Export, { UniqueIdentifier: stored, KeyWrapType: 'NotWrapped' }],
          [Import, { Attributes: [], Object: wrapped, KeyWrapType: 'NotWrapped' }],
        ] as const;
        for (const [operation, request] of ways)
          for (const version of versionsOf(operation).filter((each) => each >= '1.4')) {
            const label = `${operation.name} ${version} by ${kind} for ${bits.join(' and ')}`;
            const id = 'UniqueIdentifier' in request ? {} : { UniqueIdentifier: label };
            const asked = { ...request, ...id } as never;
            const { status, reason } = await ask(service, version, operation, asked);
            t.equal(status === 'Success', allowed[protection as 'strict' | 'kmip'], label);
            const refusal =
              eraOf(version) === '1.x' ? 'PermissionDenied' : 'IncompatibleCryptographicUsageMask';
            t.equal(reason, status === 'Success' ? undefined : refusal, label);
          }
      }
    });

t.test('no client changes the mask of a key', async (t) => {
  const { strict } = services;
  const id = await register(strict, symmetric(material), active, withMask('WrapKey'));
  const NewAttribute = withMask('WrapKey', 'UnwrapKey');
  for (const [operation, refusal] of [
    [AddAttribute, 'AttributeSingleValued'],
    [ModifyAttribute, 'AttributeReadOnly'],
    [SetAttribute, 'ReadOnlyAttribute'],
  ] as const) {
    const { reason } = await ask(strict, '2.1', operation, { UniqueIdentifier: id, NewAttribute } as never);
    t.equal(reason, refusal, operation.name);
  }
});
