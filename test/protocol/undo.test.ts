import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { Node } from '../../codec/wire/node.ts';
import { SetAttribute } from '../../src/operations/attributes/set-attribute.ts';
import { Certify } from '../../src/operations/certificates/certify.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { Activate } from '../../src/operations/lifecycle/activate.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Login } from '../../src/operations/sessions/login.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { encode, enumerated, integer, type RequestItem } from '../client.ts';
import { authenticationHeader, ticketOf } from './credentials/credential-headers.ts';
import { active, Data, registerKey, withMask } from './keys.ts';
import { attributeOf, having, payloadOf, succeed } from './operations/ask.ts';
import { authority, keyPair, linkTo, name } from './operations/certificates/authority.ts';
import { answersOf, outline, TestService, uid } from './service.ts';

/** What a batch with Undo may give out, and what stays counted (docs/decisions/25-undo-and-output.md). */

/** With the protection of the specification, under which a client may loosen Sensitive. */
const service = await TestService.open({ protection: 'kmip' });
t.teardown(() => service.close());

const undo = enumerated('BatchErrorContinuationOption', 3);
const item = (operation: AnyOperation, request: object): RequestItem => ({
  operation: operation.name,
  payload: (payloadOf('2.1', operation, request) as Node & { type: 'Structure' }).value,
});
const failing: RequestItem = { operation: 'Get', payload: [uid('nobody')] };
const limited = (total: bigint): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal: total, UsageLimitsUnit: 'Object' },
});
const left = async (id: string) =>
  ((await attributeOf(service, id, 'UsageLimits')) as { UsageLimitsCount: bigint }).UsageLimitsCount;
const CryptographicParameters = { BlockCipherMode: 'GCM', RandomIV: true, TagLength: 16 };
const encryption = (id: string, data = Data) => ({
  UniqueIdentifier: id,
  CryptographicParameters,
  Data: data,
});
const encryptBy = (id: string) => item(Encrypt, encryption(id));

/** Sends a batch that is undone; returns the outline and the bytes of the response. */
async function undone(items: readonly RequestItem[], ...header: readonly Node[]) {
  const message = await service.exchange('2.1', [...items, failing], [undo, ...header]);
  const answers = answersOf(message);
  return { answers, came: outline(answers), bytes: Buffer.from(encode(message)).toString('hex') };
}

t.test('a Sensitive key does not come out when Undo takes back what opened it', async (t) => {
  const material = '00'.repeat(16);
  const id = await registerKey(
    service,
    { name: 'Sensitive', value: true },
    { name: 'Extractable', value: false },
  );
  const set = (attribute: Attribute) => item(SetAttribute, { UniqueIdentifier: id, NewAttribute: attribute });
  const { answers, came, bytes } = await undone([
    set({ name: 'Sensitive', value: false }),
    set({ name: 'Extractable', value: true }),
    item(Get, { UniqueIdentifier: id }),
  ]);
  const each = 'OperationUndone';
  t.equal(came, `SetAttribute:${each} SetAttribute:${each} Get:${each} Get:ObjectNotFound`);
  t.equal(answers[2]?.payload, undefined);
  t.notMatch(bytes, new RegExp(material));
});

t.test('uses of a key stay counted after Undo, and give no output', async (t) => {
  const id = await registerKey(service, active, withMask('Encrypt'), limited(2n));
  const first = await undone([encryptBy(id)]);
  t.equal(first.came, 'Encrypt:OperationUndone Get:ObjectNotFound');
  t.equal(first.answers[0]?.payload, undefined);
  t.equal(await left(id), 1n);
  const second = await undone([encryptBy(id), encryptBy(id)]);
  t.equal(second.came, 'Encrypt:OperationUndone Encrypt:PermissionDenied');
  t.equal(await left(id), 0n);
  t.equal((await undone([encryptBy(id)])).came, 'Encrypt:PermissionDenied');
});

t.test('uses stay counted under the limits that Undo restores', async (t) => {
  const id = await registerKey(service, active, withMask('Encrypt'), limited(2n));
  const raise = item(SetAttribute, { UniqueIdentifier: id, NewAttribute: limited(1000n) });
  await undone([raise, encryptBy(id), encryptBy(id), encryptBy(id)]);
  t.equal(await left(id), 0n);
});

t.test('requests and uses of a ticket stay counted after Undo', async (t) => {
  const id = await registerKey(service, active, withMask('Encrypt'));
  const login = (request: object) => succeed(service, '2.1', Login, request);
  const once = authenticationHeader(ticketOf((await login({ RequestCount: 1 })).Ticket.TicketValue));
  t.equal((await undone([encryptBy(id)], once)).came, 'Encrypt:OperationUndone Get:ObjectNotFound');
  t.equal((await undone([encryptBy(id)], once)).came, 'Encrypt:UsageLimitExceeded');

  const UsageLimits = { UsageLimitsTotal: 1n, UsageLimitsUnit: 'Object' };
  const oneUse = authenticationHeader(ticketOf((await login({ UsageLimits })).Ticket.TicketValue));
  t.equal((await undone([encryptBy(id)], oneUse)).came, 'Encrypt:OperationUndone Get:ObjectNotFound');
  t.equal((await undone([encryptBy(id)], oneUse)).came, 'Encrypt:UsageLimitExceeded');
});

t.test('a Pre-Active key gives no output when Undo takes back its activation', async (t) => {
  const id = await registerKey(service, withMask('Encrypt'));
  const { answers, came } = await undone([item(Activate, { UniqueIdentifier: id }), encryptBy(id)]);
  t.equal(came, 'Activate:OperationUndone Encrypt:OperationUndone Get:ObjectNotFound');
  t.equal(answers[0]?.id, id, 'an identifier stays');
  t.equal(answers[1]?.payload, undefined);
});

t.test('a certificate of an undone Certify stays on record and is not given out', async (t) => {
  const issuer = await authority(service);
  const { publicKey } = await keyPair(service);
  const certify = item(Certify, {
    UniqueIdentifier: publicKey,
    Attributes: having(...name('Subject', { CN: 'leaf' }), linkTo(issuer.certificate)),
  });
  const issued = async () => (await service.store.records({ kind: 'issued', group: 'g', limit: 99 })).length;
  const before = await issued();
  const { answers, came } = await undone([certify, { operation: 'Get', payload: [] }]);
  t.equal(came, 'Certify:OperationUndone Get:OperationUndone Get:ObjectNotFound');
  t.type(answers[0]?.id, 'string');
  t.equal(answers[1]?.payload, undefined);
  t.equal(await issued(), before + 1);
});

t.test('Fresh stays False when the Get of a kept key is undone or its answer is too large', async (t) => {
  const ids = [await registerKey(service), await registerKey(service)] as const;
  await undone([item(Get, { UniqueIdentifier: ids[0] })]);
  t.equal(await attributeOf(service, ids[0], 'Fresh'), false);
  const message = await service.batch(
    '2.1',
    [item(Get, { UniqueIdentifier: ids[1] })],
    [integer('MaximumResponseSize', 128)],
  );
  t.equal(outline(message), 'Get:ResponseTooLarge');
  t.equal(await attributeOf(service, ids[1], 'Fresh'), false);
});

t.test('an item whose answer is too large gives later items neither its output nor its object', async (t) => {
  const id = await registerKey(service, active, withMask('Encrypt'), limited(9n));
  const proceed = [
    enumerated('BatchErrorContinuationOption', 1),
    integer('MaximumResponseSize', 128 + 8 * 150),
  ];
  const large = item(Encrypt, encryption(id, new Uint8Array(4096)));
  const hash = payloadOf('2.1', Hash, { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } });
  const hashLatest: RequestItem = {
    operation: 'Hash',
    payload: [...(hash as Node & { type: 'Structure' }).value, enumerated('Data', 2)],
  };
  const placeholder: RequestItem = { operation: 'Activate', payload: [] };
  const answers = await service.batch('2.1', [large, hashLatest, placeholder], proceed);
  t.equal(outline(answers), 'Encrypt:ResponseTooLarge Hash:InvalidField Activate:ObjectNotFound');
  t.equal(await left(id), 8n, 'its use stays counted');
});

t.test('a handler that fails has used nothing', async (t) => {
  const id = await registerKey(service, active, withMask('Encrypt'), limited(9n));
  const wrong = item(Encrypt, { ...encryption(id), CryptographicParameters: { BlockCipherMode: 'CBC' } });
  const [answer] = await service.batch('2.1', [wrong]);
  t.equal(answer?.status, 'OperationFailed');
  t.equal(await left(id), 9n);
});
