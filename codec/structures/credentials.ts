import { AttestationType, CredentialType, HashingAlgorithm, Operation, TicketType } from '../enums.ts';
import { plan } from '../plan.ts';
import {
  any,
  bytes,
  type Custom,
  dateExtended,
  type Infer,
  many,
  maybe,
  one,
  since,
  struct,
  text,
} from '../schema.ts';
import { tagNumber } from '../tags.ts';
import type { TypedValue } from '../wire/node.ts';
import { UsageLimits } from './attribute-values.ts';
import { identifier } from './identifier.ts';
import { ObjectGroups } from './query.ts';

/** KMIP 2.1 §9.7, 1.4 §2.1.2. */
export const UsernameAndPassword = struct({ Username: one(text), Password: maybe(text) });
/** KMIP 1.4 §2.1.2 Device, since 1.1. */
export const Device = struct({
  DeviceSerialNumber: maybe(text),
  Password: maybe(text),
  DeviceIdentifier: maybe(text),
  NetworkIdentifier: maybe(text),
  MachineIdentifier: maybe(text),
  MediaIdentifier: maybe(text),
});
/** KMIP 2.1 §9.6, 1.4 §2.1.14. */
export const Nonce = struct({ NonceID: one(bytes), NonceValue: one(bytes) });
export type Nonce = Infer<typeof Nonce>;
/** KMIP 1.4 §2.1.2 Attestation, since 1.2. */
export const Attestation = struct({
  Nonce: one(Nonce),
  AttestationType: one(AttestationType),
  AttestationMeasurement: maybe(bytes),
  AttestationAssertion: maybe(bytes),
});
/** One Time Password credential, since 2.0. */
export const OneTimePassword = struct({
  Username: one(text),
  Password: maybe(text),
  OneTimePassword: one(text),
});
/** Hashed Password credential, since 2.0; its Time Stamp is a Date-Time Extended. */
export const HashedPassword = struct({
  Username: one(text),
  TimeStamp: one(dateExtended),
  HashingAlgorithm: maybe(HashingAlgorithm),
  HashedPassword: one(bytes),
});
/** KMIP 2.1 §9.21. */
export const Ticket = struct({ TicketType: one(TicketType), TicketValue: one(bytes) });
export type Ticket = Infer<typeof Ticket>;
/** Ticket credential, since 2.0. */
export const TicketCredential = struct({ Ticket: one(Ticket) });

/** KMIP 2.1 §9.19; since 2.0. */
export const Right = struct({
  UsageLimits: maybe(UsageLimits),
  Operations: maybe(struct({ Operation: many(Operation) })),
  Objects: maybe(struct({ UniqueIdentifier: many(identifier) })),
  ObjectGroups: since('2.1', maybe(ObjectGroups)),
});
export type Right = Infer<typeof Right>;
/** KMIP 2.1 §9.20; since 2.0. */
export const Rights = struct({ Right: many(Right) });

const credentialValues = {
  UsernameAndPassword,
  Device,
  Attestation,
  OneTimePassword,
  HashedPassword,
  Ticket: TicketCredential,
} as const;
type ValueName = keyof typeof credentialValues;

/**
 * A credential. The value of an unknown type is kept unread, so that the server can refuse the type by name.
 */
export type Credential =
  | {
      [N in ValueName]: { CredentialType: N; CredentialValue: Infer<(typeof credentialValues)[N]> };
    }[ValueName]
  | { CredentialType: number; CredentialValue: TypedValue };

const unknownValue = struct({ CredentialType: one(CredentialType), CredentialValue: one(any) });
const pairsByType: ReadonlyMap<unknown, typeof unknownValue> = new Map(
  Object.entries(credentialValues).map(([type, value]) => [
    type,
    struct({
      CredentialType: one(CredentialType),
      CredentialValue: one(value),
    }) as unknown as typeof unknownValue,
  ]),
);

/** Schema of a Credential (KMIP 2.1 §9.7, 1.4 §2.1.2). The type decides the schema of the value beside it. */
export const credential: Custom<Credential> = {
  kind: 'custom',
  examples: () => [
    { CredentialType: 'UsernameAndPassword', CredentialValue: { Username: 'a', Password: 'b' } },
  ],
  compile(version) {
    const unknownPlan = plan(unknownValue, version);
    return {
      read(reader) {
        const { CredentialType: type } = unknownPlan.read(reader.fork());
        return plan(pairsByType.get(type) ?? unknownValue, version).read(reader) as Credential;
      },
      write(writer, tag, value) {
        const start = writer.open(tag);
        writer.enumeration(tagNumber('CredentialType'), CredentialType.toNumber(value.CredentialType));
        const schema =
          typeof value.CredentialType === 'string' ? credentialValues[value.CredentialType] : any;
        plan(schema, version).write(writer, tagNumber('CredentialValue'), value.CredentialValue as never);
        writer.close(start);
      },
    };
  },
};

/** KMIP 2.1 §9.2, 1.4 §6.6. */
export const Authentication = struct({ Credential: many(credential) });
export type Authentication = Infer<typeof Authentication>;
