import t from 'tap';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { Export } from '../../../../src/operations/transfer/export.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { TestService } from '../../service.ts';
import { succeed } from '../ask.ts';
import { metadataOnly, others } from '../objects.ts';
import {
  active,
  counted,
  mask,
  parameters,
  register,
  secret,
  symmetric,
  wrappedAs,
  wrappingKey,
} from './wrapping-keys.ts';

/** A service with wrapping keys in every state and kind, and keys to wrap. */

export const service = await TestService.open();
t.teardown(() => service.close());

export const nist: CryptographicParameters = { BlockCipherMode: 'NISTKeyWrap' };
export const gcm: CryptographicParameters = { BlockCipherMode: 'GCM', TagLength: 16 };
export const specimen = (name: string) => (others.find(([each]) => each === name) as (typeof others)[0])[1];

export const key = await register(service, symmetric(counted(16)));
export const odd = await register(service, secret(counted(5)));
export const transparent = await register(service, specimen('transparent AES'));
export const kek = await wrappingKey(service, counted(32), parameters(nist), parameters(gcm));
export const plainKek = await wrappingKey(service);
export const leaving: readonly AnyOperation[] = [Get, Export];
export const at = (UniqueIdentifier: string, rest: object) => ({ UniqueIdentifier, ...rest });
export const NoEncoding = { EncodingOption: 'NoEncoding' } as const;
export const contactName = { AttributeName: [{ name: 'ContactInformation' }] };
export const wrapBits = mask('WrapKey', 'UnwrapKey');

/** Registers wrapping keys in every state and kind. */
export const preActive = await register(service, symmetric(counted(16)), wrapBits);
export const archived = await wrappingKey(service);
await succeed(service, '2.1', Archive, { UniqueIdentifier: archived });
export const destroyed = await register(service, symmetric(counted(16)), wrapBits);
await succeed(service, '2.1', Destroy, { UniqueIdentifier: destroyed });
export const revoked = await wrappingKey(service);
const reason = { RevocationReason: { RevocationReasonCode: 'Superseded' } } as const;
await succeed(service, '2.1', Revoke, { UniqueIdentifier: revoked, ...reason });
export const encrypting = await register(service, symmetric(counted(16)), active, mask('Encrypt', 'Decrypt'));
export const hmac = await register(service, symmetric(counted(32), 'HMAC_SHA256'), active, mask('MACVerify'));
export const spent = await wrappingKey(service, counted(32), {
  name: 'UsageLimits',
  value: { UsageLimitsTotal: 0n, UsageLimitsUnit: 'Object' },
});
export const certificate = await register(service, specimen('a certificate'));
export const password = await register(service, specimen('a password'), active, wrapBits);
export const metadata = await register(service, metadataOnly);
export const foreign = await wrappingKey(service);
export const encoded = { UniqueIdentifier: kek, CryptographicParameters: nist };
export const wrappedKey = await register(
  service,
  wrappedAs(symmetric(counted(16)), counted(24), {
    WrappingMethod: 'Encrypt',
    EncryptionKeyInformation: encoded,
  }),
);
export const spec = (KeyWrappingSpecification: object) => ({
  KeyWrappingSpecification: { WrappingMethod: 'Encrypt', AttributeName: [], ...KeyWrappingSpecification },
});
