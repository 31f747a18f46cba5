import type { Principal } from '../../../src/identity/principal.ts';
import type { NamedGrantee } from '../../../src/operations/grants.ts';
import { GrantDirectory } from '../../../src/protocol/grant-directory.ts';
import { enrolForExplanation } from '../explained.ts';
import { inPolicy } from '../restricted.ts';
import { type ServiceOptions, TestService } from '../service.ts';

/** A service with clients of three groups: the objects are the owner's, and the grantee gets grants. */

export const groups = { owner: 'owners', grantee: 'grantees', third: 'others' } as const;
export type ClientName = keyof typeof groups;
export const clientNames = Object.keys(groups) as readonly ClientName[];

export interface GrantFixture {
  readonly service: TestService;
  readonly grants: GrantDirectory;
  /** Returns the principal of a client, with the role `full`. */
  principal(client: ClientName): Partial<Principal>;
  /** Sends the requests that follow as a client. */
  sendAs(client: ClientName, more?: Partial<Principal>): void;
  /** Grants operations on an object, to the grantee unless another one is named. */
  grant(
    object: string,
    operations: readonly string[],
    more?: { to?: NamedGrantee; until?: number },
  ): Promise<void>;
  /** The time of the service: POSIX seconds. */
  readonly now: number;
}

export async function openGranted(
  t: { teardown(close: () => unknown): void },
  options: ServiceOptions = {},
): Promise<GrantFixture> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  for (const name of clientNames) await enrolForExplanation(service, 'full', { name, group: groups[name] });
  const grants = new GrantDirectory(service.store, service.vault);
  const enrolledAt = Math.floor(service.now / 1000);
  const principal = (client: ClientName) => ({
    ...{ client, group: groups[client], enrolledAt, ...inPolicy({}, 'full') },
    ruleFor: () => 'built-in full',
  });
  return {
    service,
    grants,
    principal,
    sendAs(client, more = {}) {
      service.sender = { ...principal(client), ...more };
    },
    async grant(object, operations, { to = { client: 'grantee' }, ...more } = {}) {
      const added = await grants.add(object, { to, operations, ...more }, 0);
      if (typeof added === 'string') throw new Error(added);
    },
    get now() {
      return Math.floor(service.now / 1000);
    },
  };
}
