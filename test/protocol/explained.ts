import { X509Certificate } from 'node:crypto';
import { createAuthority } from '../../certs/issue.ts';
import { generateKey } from '../../certs/keys.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import type { TestService } from './service.ts';

/** Enrols a client of the group `g` with a certificate of its own, for `explain`. */
export async function enrolForExplanation(
  service: TestService,
  role: string,
  {
    name = role,
    disabled = false,
    at = new Date(service.now),
  }: { name?: string; disabled?: boolean; at?: Date } = {},
): Promise<void> {
  const certificate = await createAuthority(name, await generateKey('ec'), at);
  const fingerprint = fingerprintOf(new X509Certificate(certificate));
  await service.clients.add({
    ...{ name, role, group: 'g', fingerprint, certificate, disabled },
    enrolledAt: Math.floor(service.now / 1000),
  });
}
