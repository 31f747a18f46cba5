import { X509Certificate } from 'node:crypto';
import { createAuthority } from '../../certs/issue.ts';
import { generateKey } from '../../certs/keys.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import type { TestService } from './service.ts';

/** Enrols a client, of group `g` unless another one is named, by its own certificate, for `explain`. */
export async function enrolForExplanation(
  service: TestService,
  role: string,
  {
    name = role,
    group = 'g',
    disabled = false,
    at = new Date(service.now),
  }: { name?: string; group?: string; disabled?: boolean; at?: Date } = {},
): Promise<void> {
  const certificate = await createAuthority(name, await generateKey('ec'), at);
  const fingerprint = fingerprintOf(new X509Certificate(certificate));
  await service.clients.add({
    ...{ name, role, group, fingerprint, certificate, disabled },
    enrolledAt: Math.floor(service.now / 1000),
  });
}
