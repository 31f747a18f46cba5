import t, { type Test } from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Certify } from '../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../src/operations/certificates/re-certify.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../../src/operations/cryptography/mac.ts';
import { Sign } from '../../../src/operations/cryptography/sign.ts';
import { ticketKind } from '../../../src/operations/enrolment.ts';
import { GetUsageAllocation } from '../../../src/operations/lifecycle/get-usage-allocation.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { readTicket, ticketId } from '../../../src/operations/sessions/tickets.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { active, createPairWith, withMask } from '../keys.ts';
import { attributeOf, having, payloadOf, storedKey, succeed } from '../operations/ask.ts';
import { authority, certified, keyPair, linkTo, name } from '../operations/certificates/authority.ts';
import { counted, register, secret, symmetric, wrappedAs } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { sendAs, ticketOf } from './credential-headers.ts';

/** Usage Limits of tickets and of Rights count every use of a key as those of the key do. */

type Unit = 'Byte' | 'Object';
const total = 1_000_000n;
const limited = (UsageLimitsUnit: Unit): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal: total, UsageLimitsUnit },
});

const service = await TestService.open();
t.teardown(() => service.close());
service.sender = { fingerprint: 'f1' };

/** A request, the keys that it uses, and what it costs where that is the same each time. */
interface Use {
  readonly operation: AnyOperation;
  readonly request: object;
  readonly keys: readonly string[];
  readonly bytes?: bigint;
}

const masks = withMask('Encrypt', 'Decrypt', 'WrapKey', 'UnwrapKey', 'DeriveKey', 'MACGenerate', 'MACVerify');
const Data = new Uint8Array(32);
const gcm = { CryptographicParameters: { BlockCipherMode: 'GCM' } };
const ecdsa = { CryptographicParameters: { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' } };
const key = (unit: Unit) => register(service, symmetric(counted(32)), active, masks, limited(unit));
const hmacKey = (unit: Unit) =>
  register(service, symmetric(counted(32), 'HMAC_SHA256'), active, masks, limited(unit));
const other = await storedKey(service);

function wrapping(WrappingMethod: string, encrypting?: string, authenticating?: string) {
  return {
    UniqueIdentifier: other,
    KeyWrappingSpecification: {
      WrappingMethod,
      ...(encrypting && { EncryptionKeyInformation: { UniqueIdentifier: encrypting, ...gcm } }),
      ...(authenticating && { MACSignatureKeyInformation: { UniqueIdentifier: authenticating } }),
      AttributeName: [],
    },
  };
}

function deriving(UniqueIdentifier: readonly string[], DerivationMethod: string, parameters: object) {
  return {
    ObjectType: 'SecretData',
    UniqueIdentifier,
    DerivationMethod,
    DerivationParameters: { DerivationData: [], ...parameters },
    Attributes: having({ name: 'CryptographicLength', value: 256 }),
  };
}
const hmac = { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } };

async function limitedAuthority(unit: Unit) {
  const made = await authority(service);
  await succeed(service, '2.1', SetAttribute, {
    UniqueIdentifier: made.privateKey,
    NewAttribute: limited(unit) as never,
  });
  return made;
}

/** Every use that the Usage Limits of a key count. */
const uses: Readonly<Record<string, (unit: Unit) => Promise<Use>>> = {
  async Encrypt(unit) {
    const id = await key(unit);
    return { operation: Encrypt, request: { UniqueIdentifier: id, ...gcm, Data }, keys: [id], bytes: 32n };
  },
  async 'Encrypt in parts'(unit) {
    const id = await key(unit);
    const request = { UniqueIdentifier: id, ...gcm, Data, InitIndicator: true };
    return { operation: Encrypt, request, keys: [id], bytes: 32n };
  },
  async encapsulation(unit) {
    const { PublicKeyUniqueIdentifier: id } = await succeed(service, '2.1', CreateKeyPair, {
      CommonAttributes: having({ name: 'CryptographicAlgorithm', value: 'ML_KEM_768' }, active),
      PublicKeyAttributes: having(limited(unit)),
    });
    return { operation: Encrypt, request: { UniqueIdentifier: id }, keys: [id], bytes: 32n };
  },
  async Sign(unit) {
    const { id } = await signer(unit);
    return { operation: Sign, request: { UniqueIdentifier: id, ...ecdsa, Data }, keys: [id], bytes: 32n };
  },
  async 'Sign a digest'(unit) {
    const { id } = await signer(unit);
    const request = { UniqueIdentifier: id, ...ecdsa, DigestedData: Data };
    return { operation: Sign, request, keys: [id], bytes: 32n };
  },
  async 'Sign in parts'(unit) {
    const { id } = await signer(unit);
    const request = { UniqueIdentifier: id, ...ecdsa, Data, InitIndicator: true };
    return { operation: Sign, request, keys: [id], bytes: 32n };
  },
  async MAC(unit) {
    const id = await hmacKey(unit);
    return { operation: MAC, request: { UniqueIdentifier: id, Data }, keys: [id], bytes: 32n };
  },
  async 'MAC in parts'(unit) {
    const id = await hmacKey(unit);
    const request = { UniqueIdentifier: id, Data, InitIndicator: true };
    return { operation: MAC, request, keys: [id], bytes: 32n };
  },
  async 'Get, encrypted'(unit) {
    const id = await key(unit);
    return { operation: Get, request: wrapping('Encrypt', id), keys: [id] };
  },
  async 'Export, encrypted'(unit) {
    const id = await key(unit);
    return { operation: Export, request: wrapping('Encrypt', id), keys: [id] };
  },
  async 'Get with a MAC'(unit) {
    const id = await hmacKey(unit);
    return { operation: Get, request: wrapping('MACSign', undefined, id), keys: [id] };
  },
  async 'Get with a signature'(unit) {
    const { id } = await signer(unit);
    return { operation: Get, request: wrapping('MACSign', undefined, id), keys: [id] };
  },
  async 'Get, encrypted with a MAC'(unit) {
    const keys = [await key(unit), await hmacKey(unit)];
    return { operation: Get, request: wrapping('EncryptThenMACSign', ...keys), keys };
  },
  async 'Derive Key'(unit) {
    const id = await key(unit);
    const request = deriving([id], 'HMAC', { ...hmac, DerivationData: [Data] });
    return { operation: DeriveKey, request, keys: [id], bytes: 32n };
  },
  async 'Derive Key with data that are Secret Data'(unit) {
    const data = await register(service, secret(counted(16)), active, limited(unit));
    const keys = [await key(unit), data];
    return { operation: DeriveKey, request: deriving(keys, 'HMAC', hmac), keys, bytes: 64n };
  },
  async 'Derive Key from a private and a public key'(unit) {
    const own = await createPairWith(
      service,
      'EC',
      withMask('KeyAgreement'),
      withMask('KeyAgreement'),
      limited(unit),
    );
    const keys = [own.id, own.publicId];
    return { operation: DeriveKey, request: deriving(keys, 'AsymmetricKey', {}), keys, bytes: 64n };
  },
  async Certify(unit) {
    const issuer = await limitedAuthority(unit);
    const { publicKey } = await keyPair(service);
    const Attributes = having(...name('Subject', { CN: 'leaf' }), linkTo(issuer.certificate));
    const request = { UniqueIdentifier: publicKey, Attributes };
    return { operation: Certify, request, keys: [issuer.privateKey] };
  },
  async 'Re-certify'(unit) {
    const issuer = await limitedAuthority(unit);
    const leaf = await certified(service, issuer, 'leaf');
    const request = { UniqueIdentifier: leaf.certificate, Attributes: having() };
    return { operation: ReCertify, request, keys: [issuer.privateKey] };
  },
  async 'Get Usage Allocation'(unit) {
    const id = await key(unit);
    const request = { UniqueIdentifier: id, UsageLimitsCount: 3n };
    return { operation: GetUsageAllocation, request, keys: [id] };
  },
};

function signer(unit: Unit) {
  return createPairWith(service, 'EC', withMask('Sign'), withMask('Verify'), limited(unit));
}

async function spentOf(keys: readonly string[]): Promise<bigint> {
  let spent = 0n;
  for (const id of keys) {
    const { UsageLimitsCount } = (await attributeOf(service, id, 'UsageLimits')) as {
      UsageLimitsCount: bigint;
    };
    spent += total - UsageLimitsCount;
  }
  return spent;
}

type Whose = 'ticket' | 'Right';

async function ticketWith(whose: Whose, UsageLimitsUnit: Unit, UsageLimitsTotal: bigint) {
  const limits = { UsageLimits: { UsageLimitsTotal, UsageLimitsUnit } };
  const request =
    whose === 'ticket' ? { Rights: { Right: [{}] }, ...limits } : { Rights: { Right: [limits] } };
  return (await succeed(service, '2.1', DelegatedLogin, request)).Ticket.TicketValue.slice();
}

/** What is left of the only limits of a ticket. */
async function leftOf(ticket: Uint8Array): Promise<bigint> {
  const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: service.now / 1000 });
  const record = await unit.record(ticketKind, ticketId(ticket, nodeCrypto));
  const { usage, rights } = readTicket(record?.content ?? new Uint8Array());
  return BigInt((usage ?? rights?.[0]?.usage)?.left ?? -1);
}

async function send({ operation, request }: Pick<Use, 'operation' | 'request'>, ticket: Uint8Array) {
  const item = { operation: operation.name, payload: payloadOf('2.1', operation, request) };
  return (await sendAs(service, '2.1', [item], ticketOf(ticket))).reasons;
}

async function check(t: Test, made: Use, unit: Unit, whose: Whose): Promise<void> {
  const before = await spentOf(made.keys);
  const ample = await ticketWith(whose, unit, total);
  t.equal(await send(made, ample), 'Success');
  const cost = (await spentOf(made.keys)) - before;
  t.ok(cost >= BigInt(made.keys.length), 'every key is charged');
  if (unit === 'Byte' && made.bytes !== undefined) t.equal(cost, made.bytes);
  if (unit === 'Object' && made.operation !== GetUsageAllocation) t.equal(cost, BigInt(made.keys.length));
  t.equal(total - (await leftOf(ample)), cost, 'the ticket is charged as the keys are');
  // A certificate has not the same length each time.
  if (unit === 'Byte' && made.bytes === undefined) {
    t.equal(await send(made, await ticketWith(whose, unit, 1n)), 'UsageLimitExceeded', 'a single byte');
    return;
  }
  const exact = await ticketWith(whose, unit, cost);
  t.equal(await send(made, exact), 'Success', 'with just enough');
  const spent = await spentOf(made.keys);
  t.equal(await send(made, exact), 'UsageLimitExceeded', 'with nothing left');
  t.equal(await spentOf(made.keys), spent, 'a refused use is not charged to the keys');
}

for (const [what, make] of Object.entries(uses))
  for (const unit of ['Byte', 'Object'] as const)
    for (const whose of ['ticket', 'Right'] as const)
      t.test(`${what} is charged to the ${whose} in ${unit}s`, async (t) =>
        check(t, await make(unit), unit, whose),
      );

t.test('an allocation is charged in the unit of the ticket, or refused', async (t) => {
  const allocate = (UniqueIdentifier: string, UsageLimitsCount: bigint) => ({
    operation: GetUsageAllocation,
    request: { UniqueIdentifier, UsageLimitsCount },
  });
  const objects = await ticketWith('ticket', 'Object', 2n);
  t.equal(await send(allocate(await key('Byte'), 500n), objects), 'Success');
  t.equal(await leftOf(objects), 1n, 'bytes are one use');
  t.equal(await send(allocate(await key('Byte'), 0n), objects), 'Success');
  t.equal(await leftOf(objects), 1n, 'nothing is none');
  const bytes = await ticketWith('ticket', 'Byte', total);
  t.equal(
    await send(allocate(await key('Object'), 1n), bytes),
    'UsageLimitExceeded',
    'objects of any length',
  );
});

t.test('what reads protected data is free, as it is for the key', async (t) => {
  const id = await key('Object');
  const { Data: sealed, ...more } = await succeed(service, '2.1', Encrypt, {
    UniqueIdentifier: id,
    ...gcm,
    Data,
  });
  const { Object: wrapped } = await succeed(service, '2.1', Get, wrapping('Encrypt', id) as never);
  const { KeyBlock } = (wrapped as { value: { KeyBlock: { KeyValue: Uint8Array; KeyWrappingData: object } } })
    .value;
  const object = wrappedAs(
    symmetric(counted(32)),
    KeyBlock.KeyValue.slice(),
    KeyBlock.KeyWrappingData as never,
  );
  const ticket = await ticketWith('ticket', 'Object', 1n);
  t.equal(
    await send({ operation: Encrypt, request: { UniqueIdentifier: id, ...gcm, Data } }, ticket),
    'Success',
  );
  t.equal(await leftOf(ticket), 0n);
  const reading: [AnyOperation, object][] = [
    [Decrypt, { ...more, UniqueIdentifier: id, ...gcm, Data: sealed }],
    [Register, { ObjectType: 'SymmetricKey', Attributes: having(masks), Object: object }],
    [Get, { UniqueIdentifier: other }],
  ];
  for (const [operation, request] of reading)
    t.equal(await send({ operation, request }, ticket), 'Success', operation.name);
});
