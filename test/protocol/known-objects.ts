import { X509Certificate } from 'node:crypto';
import { createAuthority, issueClient, issueServer } from '../../certs/issue.ts';
import { generateKey, openAuthority } from '../../certs/keys.ts';
import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { SetConstraints } from '../../src/operations/group-policy/set-constraints.ts';
import { SetDefaults } from '../../src/operations/group-policy/set-defaults.ts';
import { DelegatedLogin } from '../../src/operations/sessions/delegated-login.ts';
import { Login } from '../../src/operations/sessions/login.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { CredentialDirectory } from '../../src/protocol/authentication/credential-directory.ts';
import { EndpointDirectory } from '../../src/protocol/endpoints/endpoint-settings.ts';
import { bytes, text } from '../client.ts';
import { sendAs, user } from './credentials/credential-headers.ts';
import { mandatory, poll, submit, waitForJobs } from './jobs.ts';
import type { KnownValues } from './known-values.ts';
import { contact, having, named, succeed } from './operations/ask.ts';
import { type TestService, uid } from './service.ts';

/** What clients and operators write, with values that a search can recognise. */

/** One instance of each attribute of texts, bytes and numbers that clients set. */
function clientAttributes(known: KnownValues): Attribute[] {
  const vendor = known.text();
  return [
    named(known.text()),
    contact(known.text()),
    { name: 'Comment', value: known.text() },
    { name: 'Description', value: known.text() },
    { name: 'ObjectGroup', value: known.text() },
    {
      name: 'ApplicationSpecificInformation',
      value: { ApplicationNamespace: known.text(), ApplicationData: known.text() },
    },
    {
      name: 'AlternativeName',
      value: { AlternativeNameValue: known.text(), AlternativeNameType: 'UninterpretedTextString' },
    },
    { vendor, name: known.text(), value: { type: 'TextString', value: known.text() } },
    { vendor, name: known.text(), value: { type: 'ByteString', value: known.bytes() } },
    { vendor, name: known.text(), value: { type: 'BigInteger', value: known.bytes(24) } },
    { vendor, name: known.text(), value: { type: 'LongInteger', value: known.long() } },
    { vendor, name: known.text(), value: { type: 'Integer', value: known.integer() } },
    { vendor, name: known.text(), value: { type: 'Interval', value: known.integer() } },
    {
      vendor,
      name: known.text(),
      value: {
        type: 'Structure',
        value: [text('NameValue', known.text()), bytes('Data', known.bytes())],
      },
    },
  ];
}

/** Values as clients register them, whose bytes are known. */
async function clientValues(known: KnownValues): Promise<ManagedObjectValue[]> {
  const block = (KeyFormatType: 'Raw' | 'Opaque', KeyMaterial: Uint8Array) =>
    ({ KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] } }) as const;
  const aes = { CryptographicAlgorithm: 'AES', CryptographicLength: 256 } as const;
  const password = known.text();
  return [
    {
      type: 'SecretData',
      value: { SecretDataType: 'Password', KeyBlock: block('Opaque', new TextEncoder().encode(password)) },
    },
    { type: 'OpaqueObject', value: { OpaqueDataType: 0x80000001, OpaqueDataValue: known.bytes(100) } },
    // It has a box of its own.
    { type: 'OpaqueObject', value: { OpaqueDataType: 0x80000001, OpaqueDataValue: known.bytes(10_000) } },
    { type: 'SymmetricKey', value: { KeyBlock: { ...block('Raw', known.bytes(32)), ...aes } } },
    {
      type: 'SymmetricKey',
      value: {
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: known.bytes(40),
          ...aes,
          KeyWrappingData: {
            WrappingMethod: 'Encrypt',
            EncryptionKeyInformation: { UniqueIdentifier: known.text() },
            IVCounterNonce: known.bytes(16),
          },
        },
      },
    },
    await certificate(known),
  ];
}

/** A certificate with a subject, alternative names and an issuer that are known. */
async function certificate(known: KnownValues): Promise<ManagedObjectValue> {
  const authorityKey = await generateKey('ec');
  const authority = openAuthority(await createAuthority(known.text(), authorityKey), authorityKey);
  const pem = await issueServer(authority, await generateKey('ec'), [known.text(), known.text()]);
  const { raw, serialNumber } = new X509Certificate(pem);
  known.know(raw, 'a certificate');
  known.know(raw.subarray(0, 60), 'the beginning of a certificate');
  known.know(Buffer.from(serialNumber, 'hex'), 'the serial number of a certificate');
  return { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: Uint8Array.from(raw) } };
}

/** Registers objects as a client does, and changes one attribute of each; returns their identifiers. */
export async function registerKnown(service: TestService, known: KnownValues): Promise<string[]> {
  const ids: string[] = [];
  for (const value of await clientValues(known)) {
    const hasKey = value.type === 'SymmetricKey';
    const limits: Attribute = {
      name: 'UsageLimits',
      value: { UsageLimitsTotal: known.long(), UsageLimitsUnit: 'Byte' },
    };
    const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
      ObjectType: value.type,
      Attributes: having(...clientAttributes(known), ...(hasKey ? [limits] : [])),
      Object: value,
    });
    const change = { UniqueIdentifier, CurrentAttribute: undefined, NewAttribute: contact(known.text()) };
    await succeed(service, '2.1', ModifyAttribute, change);
    ids.push(UniqueIdentifier);
  }
  return ids;
}

/** Writes what a group has beside objects: policy, defaults, tickets and jobs. */
export async function writeGroupState(service: TestService, known: KnownValues, id: string): Promise<void> {
  const scope = {
    ObjectTypes: { ObjectType: ['Certificate'] },
    ObjectGroups: { ObjectGroup: [known.text()] },
  };
  const attributes = clientAttributes(known).filter(({ name }) => name === 'ContactInformation');
  await succeed(service, '2.1', SetConstraints, {
    Constraints: { Constraint: [{ ...scope, Attributes: attributes }] },
  } as never);
  await succeed(service, '2.1', SetDefaults, {
    DefaultsInformation: { ObjectDefaults: [{ ...scope, Attributes: [contact(known.text())] }] },
  } as never);
  const login = await succeed(service, '2.1', Login, {
    LeaseTime: known.integer(),
    RequestCount: known.integer(),
  });
  known.know(login.Ticket.TicketValue.slice(), 'the value of a ticket');
  const delegated = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: [{}] } });
  known.know(delegated.Ticket.TicketValue.slice(), 'the value of a delegated ticket');
  const get = { operation: 'Get', payload: [uid(id)] };
  const header = [text('ClientCorrelationValue', known.text()), ...mandatory];
  const done = await submit(service, '2.1', [{ ...get, uniqueBatchItemID: known.bytes() }], header);
  await waitForJobs(service);
  const answer = await poll(service, '2.1', done.values[0]);
  if (answer.status !== 'Success') throw new Error(`the job failed: ${answer.message}`);
  const seed = { operation: 'RNGSeed', payload: [bytes('Data', known.bytes())] };
  const pending = await submit(service, '2.1', [{ ...seed, uniqueBatchItemID: known.bytes() }], header);
  for (const value of [...done.values, ...pending.values]) known.know(value.slice(), 'a correlation value');
}

/** Enrols a client with credentials and an endpoint, and lets it use a one-time password. */
export async function enrolKnown(service: TestService, known: KnownValues, group: string): Promise<void> {
  const [name, role, username, oneTime, host] = Array.from({ length: 5 }, () => known.text()) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const authorityKey = await generateKey('ec');
  const authority = openAuthority(await createAuthority(known.text(), authorityKey), authorityKey);
  const issued = await issueClient(authority, name);
  const { fingerprint256, raw } = new X509Certificate(issued.certificate);
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
  known.know(fingerprint, 'a fingerprint');
  known.know(raw, "the client's certificate");
  const enrolled = { name, group, role, fingerprint, disabled: false, enrolledAt: 1 };
  await service.clients.add({ ...enrolled, certificate: issued.certificate });
  await new CredentialDirectory(service.store, service.vault).set(name, {
    users: [await user(username, known.text(), [oneTime, known.text()])],
    devices: [{ fields: { DeviceSerialNumber: known.text(), MachineIdentifier: known.text() } }],
  });
  await new EndpointDirectory(service.store, service.vault).set(name, group, {
    put: true,
    to: { host, port: 5696 },
  });
  service.sender = { client: name, group, fingerprint, enrolledAt: 1, secondFactor: true };
  const { reasons } = await sendAs(service, '2.1', [{ operation: 'Locate' }], {
    CredentialType: 'OneTimePassword',
    CredentialValue: { Username: username, OneTimePassword: oneTime },
  });
  if (reasons !== 'Success') throw new Error(`the one-time password was refused: ${reasons}`);
}
