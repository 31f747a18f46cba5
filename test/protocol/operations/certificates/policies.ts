import type { CertificationRules, NamingPolicy } from '../../../../src/common/certification-rules.ts';
import { TestService } from '../../service.ts';

/** Naming policies of the operator for the tests of authorities. */

/** Permits hosts of one domain and authorities below. */
export const domainPolicy: NamingPolicy = {
  domains: ['kmip.example'],
  hosts: [],
  networks: [],
  alternativeNames: ['dns'],
  otherNames: [],
  commonName: 'any',
  subordinates: true,
};

export interface OpenedPolicies {
  readonly service: TestService;
  /** The policies in force, by identifiers of certificates; changes take effect as after a reload. */
  readonly authorities: Map<string, NamingPolicy>;
}

/** Opens a service with policies; the test's end closes it. */
export async function openPolicies(
  t: { teardown(close: () => unknown): void },
  rules: Partial<CertificationRules> = {},
  options: Omit<NonNullable<Parameters<typeof TestService.open>[0]>, 'certification'> = {},
): Promise<OpenedPolicies> {
  const authorities = new Map<string, NamingPolicy>();
  const service = await TestService.open({ ...options, certification: { ...rules, authorities } });
  t.teardown(() => service.close());
  return { service, authorities };
}
