import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { decodeResponse, encodeRequest } from '../../../codec/client-envelope.ts';
import { UnsupportedVersionError } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import type { Infer, Struct } from '../../../codec/schema.ts';
import { tagNumber } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { WireError } from '../../../codec/wire-error.ts';
import type { OperationDefinition } from '../../../src/operations/operation.ts';
import { Notify } from '../../../src/operations/server/notify.ts';
import { Put } from '../../../src/operations/server/put.ts';
import { SetEndpointRole } from '../../../src/operations/server/set-endpoint-role.ts';
import { bytes, limits } from './hex.ts';

const golden = (name: string): Uint8Array =>
  bytes(readFileSync(resolve(import.meta.dirname, `../../golden/messages/${name}.ttlv`), 'utf8'));

function request<Q extends Struct>(
  version: Version,
  { name, request }: OperationDefinition<Q>,
  fields: Infer<Q>,
): string {
  const { write } = plan(request, version);
  return encodeRequest(version, name, (writer) => write(writer, tagNumber('RequestPayload'), fields)).toHex();
}

const key = {
  type: 'SymmetricKey',
  value: {
    KeyBlock: {
      KeyFormatType: 'Raw',
      KeyValue: { KeyMaterial: Uint8Array.from({ length: 16 }, (_, at) => at), Attributes: [] },
      CryptographicAlgorithm: 'AES',
      CryptographicLength: 128,
    },
  },
} as const;

t.test('encodeRequest writes requests of the server byte for byte', async (t) => {
  const state = (value: 'PreActive' | 'Compromised') => ({ name: 'State', value }) as const;
  const changeDate = { name: 'LastChangeDate', value: 1_750_000_000 } as const;
  const changed = [state('Compromised'), changeDate];
  const purpose = { vendor: 'x', name: 'Purpose' };
  t.equal(
    request('2.1', Notify, {
      UniqueIdentifier: 'key-1',
      Changes: { changed, deleted: [{ name: 'CryptographicAlgorithm' }, purpose] },
    }),
    golden('2.1-notify').toHex(),
  );
  t.equal(
    request('1.4', Notify, {
      UniqueIdentifier: 'key-1',
      Changes: { changed, deleted: [{ name: 'ContactInformation' }, { ...purpose, index: 1 }] },
    }),
    golden('1.4-notify').toHex(),
  );
  const put = { Object: key, Attributes: [state('PreActive'), changeDate] };
  t.equal(
    request('1.0', Put, { ...put, UniqueIdentifier: 'key-1', PutFunction: 'New' } as never),
    golden('1.0-put-new').toHex(),
  );
  t.equal(
    request('2.1', Put, {
      ...put,
      UniqueIdentifier: 'key-2',
      PutFunction: 'Replace',
      ReplacedUniqueIdentifier: 'key-1',
    } as never),
    golden('2.1-put-replace').toHex(),
  );
  t.equal(
    request('2.0', SetEndpointRole, { EndpointRole: 'Server' }),
    golden('2.0-set-endpoint-role').toHex(),
  );
});

t.test('a Notify of 2.x lists the remaining instances when one of several is deleted', async (t) => {
  const contact = (value: string, index: number) =>
    ({ vendor: 'x', name: 'Part', index, value: { type: 'TextString', value } }) as const;
  const Changes = { changed: [contact('b', 1)], deleted: [{ vendor: 'x', name: 'Part', index: 0 }] };
  const [older, newer] = (['1.4', '2.1'] as const).map((version) =>
    request(version, Notify, { UniqueIdentifier: 'k', Changes }),
  );
  t.equal(older?.split('42000a').length, 3, 'both are listed');
  t.notMatch(newer, '42013b', 'no reference');
});

t.test('decodeResponse reads responses up to their payloads', async (t) => {
  const { version, items } = decodeResponse(golden('2.0-set-endpoint-role-answer'), limits);
  t.equal(version, '2.0');
  t.match(items, [{ Operation: 'SetEndpointRole', ResultStatus: 'Success' }]);
  const [item] = items;
  t.same(item?.ResponsePayload && plan(SetEndpointRole.response, version).read(item.ResponsePayload), {
    EndpointRole: 'Server',
  });
  t.equal(decodeResponse(golden('2.1-notify-answer'), limits).items.length, 1);
  t.equal(decodeResponse(golden('1.0-not-found-answer'), limits).items[0]?.ResultReason, 'ItemNotFound');
});

t.test('decodeResponse refuses other messages', async (t) => {
  const answer = golden('2.1-notify-answer');
  const changed = (at: number, ...values: number[]) => {
    const copy = answer.slice();
    copy.set(values, at);
    return copy;
  };
  t.throws(() => decodeResponse(golden('2.1-notify'), limits), WireError, 'a request');
  t.throws(() => decodeResponse(answer.subarray(0, 40), limits), WireError, 'cut short');
  t.throws(() => decodeResponse(changed(10, 0x77), limits), WireError, 'the header of a request');
  t.throws(() => decodeResponse(changed(35, 9), limits), UnsupportedVersionError, 'an unsupported version');
  t.throws(() => decodeResponse(new Uint8Array(0), limits), WireError, 'nothing');
});
