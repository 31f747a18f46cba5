import type { X509Certificate } from 'node:crypto';
import type { ValidationInformation } from '../../codec/structures/query.ts';
import type { CertificationRules } from '../common/certification-rules.ts';
import type { Protection } from '../common/protection.ts';
import { type WaitingPeriod, waitingSeconds } from '../common/waiting-period.ts';
import type { Config } from '../config/index.ts';
import { certificationRulesOf, cryptographicSettingsOf, protectionOf } from '../config/index.ts';
import type { TokenValidation } from '../config/token-keys.ts';
import { closeThreads, nodeCrypto } from '../crypto/node/node.ts';
import { CryptographicPolicy } from '../crypto/policy/policy.ts';
import { createTokenKeys } from '../crypto/token/token-keys.ts';
import type { TokenDevice } from '../crypto/token-device.ts';
import type { AuthenticationResult } from '../identity/certificate.ts';
import {
  authenticate,
  authenticateProvisionally,
  isEnrolledSince,
  principalByName,
} from '../identity/certificate.ts';
import type { Enrolments } from '../identity/enrolment.ts';
import { type CustomRoles, RolePolicy } from '../identity/policy.ts';
import type { Client } from '../identity/principal.ts';
import type { ServerDescription } from '../operations/context.ts';
import { operations, operationsIn } from '../operations/index.ts';
import type { TokenKeyPolicy } from '../protocol/batch/released-token-keys.ts';
import { createService } from '../protocol/create-service.ts';
import { EndpointDirectory } from '../protocol/endpoints/endpoint-settings.ts';
import { Endpoints } from '../protocol/endpoints/endpoints.ts';
import type { Service } from '../protocol/service.ts';
import { ObjectEvents } from '../protocol/unit-of-work/object-events.ts';
import { withMetrics } from '../store/with-metrics.ts';
import { combineEndpointObservers, combineRequestObservers } from '../watch/composite-observer.ts';
import { logEndpoints, logRequests, truncate } from '../watch/log.ts';
import type { EndpointObserver } from '../watch/observer.ts';
import type { Backends } from './backends.ts';
import { ClientTrust } from './client-trust.ts';
import { createEnrolments } from './enrolments.ts';
import type { StartContext } from './start-context.ts';
import type { TlsMaterialSource } from './tls-material.ts';

/** Everything between the listeners and the backends. */
export interface Services {
  readonly service: Service;
  /** The roles of the configuration. */
  readonly rolePolicy: RolePolicy;
  /** Puts other roles in force, and states them in the lanes. */
  replaceRoles(roles: CustomRoles): void;
  /** The `[crypto]` section; a reload replaces it. */
  readonly cryptographicPolicy: CryptographicPolicy;
  /** How Sensitive and Extractable bind; a reload replaces it. */
  readonly protection: { current: Protection };
  /** What authorities may certify, and what their keys may do; a reload replaces it. */
  readonly certification: { current: CertificationRules };
  readonly waitingPeriod: { current: WaitingPeriod };
  /** Server requests to clients: on connections whose roles were exchanged, and on outgoing ones. */
  readonly endpoints: Endpoints;
  readonly endpointDirectory: EndpointDirectory;
  readonly endpointObserver: EndpointObserver;
  /**
   * Looks up the client of a certificate; while the vault is sealed, the result is provisional. Rejects when
   * the database does not answer.
   */
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
}

/**
 * Creates the service that answers KMIP messages and its collaborators. Nothing listens yet.
 * @param version of kmipd, as Query reports it.
 */
export function createServices(
  context: StartContext,
  backends: Backends,
  material: TlsMaterialSource,
  version: string,
): Services {
  const { config, log, metrics, closing } = context;
  const { store, clients, vault, audit, latestTime } = backends;
  const { rolePolicy, replaceRoles } = createRolePolicy(config, backends);
  const cryptographicPolicy = new CryptographicPolicy(cryptographicSettingsOf(config));
  const protection = { current: protectionOf(config) };
  const certification = { current: certificationRulesOf(config) };
  const waitingPeriod = { current: config.destroy };
  const trust = new ClientTrust(() => material.current.authorities);
  const findChainProblem = (client: Client) => trust.problemOf(client);
  const endpointObserver = combineEndpointObservers(logEndpoints(log), metrics.endpoints);
  const events = new ObjectEvents(
    vault,
    (error) => endpointObserver.failed({ error }),
    () => protection.current,
  );
  const endpointDirectory = new EndpointDirectory(store, vault);
  const endpoints = new Endpoints({
    store,
    vault,
    events,
    limits: config.limits,
    observer: endpointObserver,
    audit,
    settings: (client) => endpointDirectory.of(client),
    clock: Date.now,
  });
  const service = createService({
    store: withMetrics(store, metrics.storeCall),
    vault,
    crypto: cryptographicPolicy.restrict(nodeCrypto),
    limits: config.limits,
    operations,
    server: serverDescription(context, version),
    protection: () => protection.current,
    certification: () => certification.current,
    waitingSeconds: (client) => waitingSeconds(waitingPeriod.current, client),
    observer: combineRequestObservers(logRequests(log), metrics.requests),
    ...{ events, audit, clock: Date.now, latestTime },
    approvalSeconds: config.approval.hours * 3_600,
    principal: (client) => principalByName(client, clients, rolePolicy, new Date(), findChainProblem),
    isEnrolled: (maker) => isEnrolledSince(maker, clients),
    enrolments: enrolmentsOf(context, backends, material),
    tokenKeys: tokenKeyPolicyOf(config, backends.tokenKeys, cryptographicPolicy),
  });
  closing.defer(() => closeThreads());
  closing.defer(() => service.close());
  metrics.watchJobs(() => service.pendingJobs);
  return {
    service,
    rolePolicy,
    replaceRoles,
    cryptographicPolicy,
    protection,
    certification,
    waitingPeriod,
    endpoints,
    endpointDirectory,
    endpointObserver,
    authenticate: async (certificate) =>
      vault.unsealed
        ? authenticate(certificate, clients, rolePolicy, new Date(), findChainProblem)
        : authenticateProvisionally(certificate),
  };
}

/** The roles in force, and how they are replaced: the lanes state those that are. */
function createRolePolicy(
  { roles, approval }: Pick<Config, 'roles' | 'approval'>,
  { statePolicy }: Pick<Backends, 'statePolicy'>,
): Pick<Services, 'rolePolicy' | 'replaceRoles'> {
  const rolePolicy = new RolePolicy({}, approval);
  const replaceRoles = (next: CustomRoles) => {
    rolePolicy.replace(next);
    statePolicy(rolePolicy.hash.toHex());
  };
  replaceRoles(roles);
  return { rolePolicy, replaceRoles };
}

/** Keys in the token, by the rules of the operator. */
function tokenKeyPolicyOf(
  { tokenKeys }: Config,
  device: TokenDevice | undefined,
  cryptographicPolicy: CryptographicPolicy,
): TokenKeyPolicy {
  const groups = new Set(tokenKeys.groups);
  return {
    keys: device && cryptographicPolicy.restrictTokenKeys(createTokenKeys(device)),
    isRequiredFor: (group) => groups.has('*') || groups.has(group),
  };
}

/** The server as Query and the operations about it describe it. */
function serverDescription({ config, log }: StartContext, version: string): ServerDescription {
  const { interop, uniqueNames } = config;
  return {
    vendor: 'kmipd',
    name: 'kmipd',
    version,
    operations: (requested) => operationsIn(requested, interop),
    https: config.https !== undefined,
    revocationListUrl: config.certification.crlUrl,
    interop,
    uniqueNames,
    validations:
      config.tokenKeys.token === undefined ? [] : config.tokenKeys.validations.map(describeValidation),
    log: (client, message) => log.info({ client, message: truncate(message) }, 'message of a client'),
  };
}

function describeValidation({
  authority,
  major,
  minor,
  level,
  certificate,
}: TokenValidation): ValidationInformation {
  return {
    ValidationAuthorityType: authority,
    ValidationVersionMajor: major,
    ValidationVersionMinor: minor,
    ValidationType: 'Hardware',
    ValidationLevel: level,
    ValidationCertificateIdentifier: certificate,
    ValidationProfile: [],
  };
}

function enrolmentsOf(
  { stateDirectory, log }: StartContext,
  { clients }: Backends,
  material: TlsMaterialSource,
): Enrolments {
  return createEnrolments({
    stateDirectory,
    authorities: () => material.current.authorities,
    directory: clients,
    replaced: (event) => log.warn(event, 'a client replaced its certificate'),
  });
}
