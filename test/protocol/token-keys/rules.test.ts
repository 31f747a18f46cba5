import t from 'tap';
import { Certify } from '../../../src/operations/certificates/certify.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { operations } from '../../../src/operations/index.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { tokenKeyRules } from '../../../src/operations/token-key-rules.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { active, registerKey, withMask } from '../keys.ts';
import { ask, having, outcome, versionsOf } from '../operations/ask.ts';
import { TestService } from '../service.ts';
import { FakeToken } from './fake-token.ts';
import { aes, createKey, createPair } from './keys.ts';

/** What operations do with a key whose value is in a token only: each of them, for each kind of key. */

const token = new FakeToken();
const service = await TestService.open({ tokenKeys: token.policy });
t.teardown(() => service.close());

const table = [...operations.values()];
const kinds = {
  SymmetricKey: () =>
    createKey(service, [
      ...aes.slice(0, 2),
      withMask('Encrypt', 'Decrypt', 'MACGenerate', 'DeriveKey'),
      active,
    ]),
  PrivateKey: async () => (await createPair(service, 'RSA', 2_048, ['Sign', 'Decrypt'])).own,
} as const;

/** Fields without which a request is not understood, by the operation. */
const fields: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Revoke: { RevocationReason: { RevocationReasonCode: 'Superseded' } },
  GetUsageAllocation: { UsageLimitsCount: 1n },
  AddAttribute: { NewAttribute: { name: 'Comment', value: 'a comment' } },
  ModifyAttribute: { NewAttribute: { name: 'Comment', value: 'another' } },
  SetAttribute: { NewAttribute: { name: 'Comment', value: 'another' } },
  AdjustAttribute: { AttributeReference: { name: 'LeaseTime' }, AdjustmentType: 'Increment' },
  DeleteAttribute: { AttributeReference: { name: 'Comment' } },
  Certify: { CertificateRequestType: 'PKCS_10', CertificateRequestValue: new Uint8Array(1) },
};

const splitting = (UniqueIdentifier: string) => ({
  ...{ ObjectType: 'SplitKey', UniqueIdentifier, SplitKeyMethod: 'XOR' },
  ...{ SplitKeyParts: 2, SplitKeyThreshold: 2, Attributes: having() },
});

const isAboutObject = ({ target }: AnyOperation) => target.kind === 'object';

t.test('every operation about an object states what it needs of a key in a token', (t) => {
  for (const each of table.filter(isAboutObject)) t.ok(tokenKeyRules[each.name], each.name);
  for (const name of Object.keys(tokenKeyRules)) t.ok(operations.has(name), name);
  t.end();
});

for (const [type, create] of Object.entries(kinds))
  for (const each of table.filter(isAboutObject)) {
    const rule = tokenKeyRules[each.name];
    t.test(`${each.name} of a ${type} in a token: ${rule}`, async (t) => {
      const id = await create();
      const field = each.target.kind === 'object' ? each.target.identifiedBy : undefined;
      for (const version of versionsOf(each)) {
        const request = { [field ?? 'UniqueIdentifier']: id, ...fields[each.name] };
        const answer = await ask(service, version, each, request as never);
        const types = each.target.kind === 'object' ? each.target.types : undefined;
        const isOfType = types === undefined || types.includes(type as never);
        if (rule === 'value' && isOfType) {
          // Versions before 1.4 have no reason of that name.
          t.match(answer.message, /in a token and does not leave it|not extractable/, version);
          t.notMatch(answer.status, 'Success');
          if (version >= '1.4') t.equal(answer.reason, 'NotExtractable', version);
        } else t.notMatch(answer.reason ?? '', 'NotExtractable', `${version}: ${answer.message}`);
        t.strictSame(service.unexpected, [], version);
      }
    });
  }

t.test('operations that name a key in a token beside their object', async (t) => {
  const id = await createKey(service, [
    ...aes.slice(0, 2),
    withMask('WrapKey', 'UnwrapKey', 'DeriveKey', 'Export', 'MACGenerate'),
    active,
  ]);
  const other = await registerKey(service, withMask('Encrypt', 'Export'), active);
  const key = { EncryptionKeyInformation: { UniqueIdentifier: id } };
  const specification = { WrappingMethod: 'Encrypt', ...key, AttributeName: [] };
  await t.test('Get wrapped by it', async (t) => {
    const request = { UniqueIdentifier: other, KeyWrappingSpecification: specification };
    t.equal(await outcome(service, '2.1', Get, request), 'NotExtractable');
  });
  await t.test('Get of it, wrapped', async (t) => {
    const wrappingKey = await registerKey(service, withMask('WrapKey'), active);
    const KeyWrappingSpecification = {
      ...specification,
      EncryptionKeyInformation: { UniqueIdentifier: wrappingKey },
    };
    const request = { UniqueIdentifier: id, KeyWrappingSpecification };
    t.equal(await outcome(service, '2.1', Get, request), 'NotExtractable');
  });
  await t.test('Derive Key', async (t) => {
    const request = {
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: [id],
      DerivationMethod: 'HMAC',
      DerivationParameters: { DerivationData: [new Uint8Array(4)] },
      Attributes: having(...aes),
    };
    t.equal(await outcome(service, '2.1', DeriveKey, request), 'NotExtractable');
  });
  await t.test('Create Split Key', async (t) => {
    t.equal(await outcome(service, '2.1', CreateSplitKey, splitting(id)), 'NotExtractable');
  });
  await t.test('Import of a key that it has wrapped', async (t) => {
    const request = {
      UniqueIdentifier: crypto.randomUUID(),
      ObjectType: 'SymmetricKey',
      KeyWrapType: 'NotWrapped',
      Attributes: aes,
      Object: {
        type: 'SymmetricKey',
        value: {
          KeyBlock: {
            KeyFormatType: 'Raw',
            KeyValue: new Uint8Array(40),
            CryptographicAlgorithm: 'AES',
            CryptographicLength: 256,
            KeyWrappingData: { WrappingMethod: 'Encrypt', ...key, EncodingOption: 'NoEncoding' },
          },
        },
      },
    };
    t.equal(await outcome(service, '2.1', Import, request as never), 'NotExtractable');
  });
  await t.test('Certify: its pair is no authority', async (t) => {
    const { open } = await createPair(service, 'RSA', 2_048, ['CertificateSign']);
    const answer = await ask(service, '2.1', Certify, {
      ...{ UniqueIdentifier: open, Attributes: having({ name: 'CertificateSubjectCN', value: 'a subject' }) },
    });
    t.equal(answer.reason, 'ItemNotFound');
    t.strictSame(service.unexpected, []);
  });
});

t.test('under protection "kmip" the value is no more at hand', async (t) => {
  const other = new FakeToken();
  const lax = await TestService.open({ tokenKeys: other.policy, protection: 'kmip' });
  t.teardown(() => lax.close());
  const id = await createKey(lax, [...aes.slice(0, 2), withMask('Encrypt', 'Export'), active]);
  t.equal(await outcome(lax, '2.1', Get, { UniqueIdentifier: id }), 'NotExtractable');
  t.equal(await outcome(lax, '2.1', CreateSplitKey, splitting(id)), 'NotExtractable');
});
