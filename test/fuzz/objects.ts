import type { Version } from '../../codec/version.ts';
import {
  decode,
  encode,
  enumerated,
  find,
  type RequestItem,
  requestMessage,
  structure,
  text,
  valueOf,
} from '../client.ts';

/**
 * Messages of the corpus name objects by these stand-ins; before a campaign they are replaced by the
 * identifiers of objects of that kind, which are as long.
 */
export const kinds = [
  'AES key',
  'active AES key',
  'private key',
  'public key',
  'secret data',
  'certificate',
  'opaque object',
  'revoked AES key',
  'destroyed AES key',
  'archived AES key',
  'sensitive AES key',
  'EC private key',
  'EC public key',
  'deriving key',
  'first part',
  'second part',
] as const;
export type Kind = (typeof kinds)[number];

export function standIn(kind: Kind): string {
  return `00000000-0000-4000-8000-${String(kinds.indexOf(kind) + 1).padStart(12, '0')}`;
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Replaces every stand-in; stand-ins of absent objects stay as they are. */
export function withIdentifiers(message: Uint8Array, identifiers: ReadonlyMap<Kind, string>): Uint8Array {
  let replaced = latin(message);
  for (const [kind, identifier] of identifiers) replaced = replaced.replaceAll(standIn(kind), identifier);
  return new Uint8Array(Buffer.from(replaced, 'latin1'));
}

/** The inverse, for messages that are kept. */
export function withStandIns(message: Uint8Array, identifiers: ReadonlyMap<Kind, string>): Uint8Array {
  let replaced = latin(message);
  for (const [kind, identifier] of identifiers) replaced = replaced.replaceAll(identifier, standIn(kind));
  return new Uint8Array(Buffer.from(replaced, 'latin1'));
}

const version: Version = '1.4';
const id = (identifier: string) => text('UniqueIdentifier', identifier);
const revocation = structure('RevocationReason', enumerated('RevocationReasonCode', 1));

/** Sends one request and gives the payload of the answer; throws when it was refused. */
export type Ask = (message: Uint8Array) => Promise<Uint8Array>;

async function ask(send: Ask, item: RequestItem): Promise<ReturnType<typeof decode>> {
  const answer = decode(await send(encode(requestMessage(version, [item]))));
  if (valueOf(answer, 'BatchItem', 'ResultStatus') !== 0) {
    throw new Error(
      `${item.operation} was refused: ${String(valueOf(answer, 'BatchItem', 'ResultMessage'))}`,
    );
  }
  return find(answer, 'BatchItem', 'ResponsePayload') as ReturnType<typeof decode>;
}

/**
 * Makes one object of each kind. `registrations`: whole messages of the corpus that register secret data and
 * so on.
 */
export async function makeObjects(
  send: Ask,
  registrations: ReadonlyMap<Kind, Uint8Array>,
): Promise<Map<Kind, string>> {
  const made = new Map<Kind, string>();
  for (const kind of kinds) {
    const message = registrations.get(kind);
    if (message === undefined) throw new Error(`the corpus registers no ${kind}`);
    const answer = decode(await send(message));
    const identifier = valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier');
    if (typeof identifier !== 'string') {
      throw new Error(`no ${kind}: ${String(valueOf(answer, 'BatchItem', 'ResultMessage'))}`);
    }
    made.set(kind, identifier);
  }
  const named = (kind: Kind) => id(made.get(kind) as string);
  for (const kind of ['active AES key', 'revoked AES key', 'deriving key'] as const) {
    await ask(send, { operation: 'Activate', payload: [named(kind)] });
  }
  await ask(send, { operation: 'Revoke', payload: [named('revoked AES key'), revocation] });
  await ask(send, { operation: 'Destroy', payload: [named('destroyed AES key')] });
  await ask(send, { operation: 'Archive', payload: [named('archived AES key')] });
  return made;
}
