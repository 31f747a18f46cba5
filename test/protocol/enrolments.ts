import { type KeyObject, X509Certificate } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createAuthority, issueClient } from '../../certs/issue.ts';
import { generateKey, type IssuedCertificate, openAuthority, privateKeyToPem } from '../../certs/keys.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { createEnrolments } from '../../src/daemon/enrolments.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import type { ReplacedEnrolment } from '../../src/identity/enrolment.ts';
import type { Client, NewClient } from '../../src/identity/principal.ts';
import { TestService } from './service.ts';

/** A service whose client, `tester`, is enrolled by the authority of a state directory. */
export interface EnrolmentFixture {
  readonly service: TestService;
  /** The authority of the state directory. */
  readonly authority: IssuedCertificate;
  /** The replacements that the operator was notified of. */
  readonly notifications: ReplacedEnrolment[];
  /** The calls of the session control: fingerprints that were expected, and `replaced`. */
  readonly sessionCalls: string[];
  /** The key of tester's certificate. */
  readonly key: KeyObject;
  /** Enrols a client. */
  enrol(name: string, more?: Partial<NewClient>): Promise<NewClient>;
  /** Deletes the key of the authority. */
  loseKey(): void;
  entry(name?: string): Promise<Client | undefined>;
  /** Removes a client and adds it again with changes, as an operator would. */
  change(client: Client | undefined, more: Partial<NewClient>): Promise<void>;
}

/** A self-signed authority. */
export async function newAuthority(name: string, now?: Date): Promise<IssuedCertificate> {
  const key = await generateKey('ec');
  return openAuthority(await createAuthority(name, key, now), key);
}

export async function openEnrolled(
  t: { teardown(close: () => unknown): void },
  options: Parameters<typeof TestService.open>[0] & { readonly authority?: IssuedCertificate } = {},
): Promise<EnrolmentFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-enrolment-'));
  const home = stateDirectoryAt(directory);
  const authority = options.authority ?? (await newAuthority('Home'));
  await mkdir(dirname(home.authority.key));
  writeFileSync(home.authority.certificate, authority.certificate);
  writeFileSync(home.authority.key, privateKeyToPem(authority.key));
  const notifications: ReplacedEnrolment[] = [];
  const sessionCalls: string[] = [];
  const service = await TestService.open({
    ...options,
    enrolments: (clients) =>
      createEnrolments({
        stateDirectory: home,
        authorities: () => [authority.certificate],
        directory: clients,
        replaced: (event) => notifications.push(event),
      }),
  });
  t.teardown(async () => {
    await service.close();
    await rm(directory, { recursive: true, force: true });
  });
  const usual = await newAuthority('Usual');
  async function enrol(
    name: string,
    more: Partial<NewClient> = {},
    issued?: IssuedCertificate,
  ): Promise<NewClient> {
    const { certificate } = issued ?? (await issueClient(usual, name));
    const fingerprint = fingerprintOf(new X509Certificate(certificate));
    const whole = {
      name,
      group: 'g',
      role: 'full',
      fingerprint,
      disabled: false,
      enrolledAt: 1,
      certificate,
    };
    const client: NewClient = { ...whole, ...more };
    await service.clients.add(client);
    return client;
  }
  const own = await issueClient(usual, 'tester');
  const { fingerprint } = await enrol('tester', {}, own);
  service.sender = { fingerprint };
  service.sessionControl = {
    expect: (certificate) => void sessionCalls.push(fingerprintOf(new X509Certificate(certificate))),
    replaced: () => void sessionCalls.push('replaced'),
  };
  return {
    service,
    authority,
    notifications,
    sessionCalls,
    key: own.key,
    enrol: (name, more) => enrol(name, more),
    loseKey: () => rmSync(home.authority.key),
    entry: (name = 'tester') => service.clients.byName(name),
    async change(client, more) {
      const changed = { ...(client as Client), ...more };
      await service.clients.remove(changed.name);
      await service.clients.add(changed);
    },
  };
}
