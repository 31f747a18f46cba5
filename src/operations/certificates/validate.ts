import { ValidityIndicator } from '../../../codec/enums.ts';
import { date, many, maybe, one, struct } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { Certificate } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import type { ValidationResult } from '../../crypto/certification.ts';
import type { Context } from '../context.ts';
import { certificateIn } from '../key-pairs.ts';
import { loadNamedObject } from '../named-objects.ts';
import { conversation, operation } from '../operation.ts';
import { inWholeGroup } from '../whole-group.ts';
import { findChains, isChainRevoked, isStored, maxChain } from './chains.ts';

/**
 * Validate (KMIP 2.1 §6.1.57, 1.4 §4.24): whether one chain of certificates, given as values and by
 * identifier in any order, is valid at a date. Missing issuers are taken from the group's certificates. A
 * chain is Valid when it ends in a self-signed certificate of the group and the group has revoked none of it.
 */
export const Validate = operation({
  name: 'Validate',
  since: '1.0',
  request: struct({
    Certificate: many(Certificate),
    UniqueIdentifier: many(identifier),
    ValidityDate: maybe(date),
  }),
  response: struct({ ValidityIndicator: one(ValidityIndicator) }),
  target: conversation(),
  limitedRight: 'objects',
  async handle(request, context) {
    const { crypto, now } = context;
    const count = request.Certificate.length + request.UniqueIdentifier.length;
    if (count === 0) fail('InvalidMessage', 'there is no certificate to validate');
    if (count > maxChain) fail('InvalidField', `a chain has at most ${maxChain} certificates`);
    const given = request.Certificate.map(({ CertificateType, CertificateValue }) =>
      CertificateType === 'X_509'
        ? CertificateValue
        : fail('InvalidField', 'only X.509 certificates are validated'),
    );
    for (const id of request.UniqueIdentifier)
      given.push(await loadCertificate(context.resolve(id), context));
    const ordered =
      (await crypto.certification.buildChain(given)) ??
      fail('InvalidMessage', 'the certificates do not form one chain');
    const at = request.ValidityDate ?? now;
    return { ValidityIndicator: await validateChains(ordered, at, context) };
  },
});

async function loadCertificate(id: string, context: Context): Promise<Uint8Array> {
  const object = await loadNamedObject(
    id,
    { types: ['Certificate'], legacyReason: 'InvalidMessage' },
    context,
  );
  return certificateIn(object) ?? fail('InvalidField', 'only X.509 certificates are validated');
}

/** One valid chain is enough (RFC 5280 §6.1); else the answer is about the first one. */
async function validateChains(
  given: readonly Uint8Array[],
  at: number,
  context: Context,
): Promise<ValidationResult> {
  let first: ValidationResult | undefined;
  for await (const chain of findChains(given, context, { isStored: true })) {
    const result = await validateChain(chain, at, context);
    if (result === 'Valid') return result;
    first ??= result;
  }
  return first as ValidationResult;
}

async function validateChain(
  chain: readonly Uint8Array[],
  at: number,
  context: Context,
): Promise<ValidationResult> {
  if (await isChainRevoked(chain, at, inWholeGroup(context))) return 'Invalid';
  const result = await context.crypto.certification.validatePath(chain, at);
  // Anybody can make a self-signed certificate, so only those that the group stores are trusted.
  return result === 'Valid' && !(await isStored(chain.at(-1) as Uint8Array, context)) ? 'Unknown' : result;
}
