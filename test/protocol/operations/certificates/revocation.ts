import type { RevocationReasonCode } from '../../../../codec/enums.ts';
import { toBigInt, toBytes } from '../../../../src/crypto/asn1/big-integers.ts';
import {
  type DerNode,
  encodeDer,
  makeBits,
  makeInteger,
  makeSequence,
  parseDer,
  readBits,
  readInteger,
  readSequence,
} from '../../../../src/crypto/asn1/der.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { type RevocationList, RevocationLists } from '../../../../src/protocol/revocation-lists.ts';
import type { TestService } from '../../service.ts';
import { succeed } from '../ask.ts';
import { type Authority, day, readX509 } from './authority.ts';

/** Revocations and their lists, for tests. */

export const week = 7 * day;

export const listsOf = (service: TestService) =>
  new RevocationLists(service.store, service.vault, nodeCrypto, () => service.now);

export async function listOf(
  service: TestService,
  issuer: Authority,
  seconds = week,
): Promise<RevocationList> {
  const list = await listsOf(service).make(issuer.certificate, seconds);
  if (list === undefined) throw new Error('there is no such issuer');
  return list;
}

export const serialOf = ({ der }: { readonly der: Uint8Array }) => readX509(der).serialNumber;

export async function revoke(
  service: TestService,
  id: string,
  RevocationReasonCode: RevocationReasonCode = 'CessationOfOperation',
  CompromiseOccurrenceDate?: number,
): Promise<void> {
  const RevocationReason = { RevocationReasonCode };
  await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason, CompromiseOccurrenceDate });
}

/** Order of P-256 (SEC 2 §2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Returns the certificate with the other signature that ECDSA takes as well: s → n − s. */
export function withOtherSignature(der: Uint8Array): Uint8Array {
  const [content, algorithm, signature] = readSequence(parseDer(der)) as [DerNode, DerNode, DerNode];
  const [r, s] = readSequence(parseDer(readBits(signature)));
  const other = makeInteger(toBytes(order - toBigInt(readInteger(s))));
  const bits = makeBits(encodeDer(makeSequence(r as DerNode, other)));
  return encodeDer(makeSequence(content, algorithm, bits));
}
