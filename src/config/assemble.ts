import type { Address } from '../common/address.ts';
import type { AuditSinkSettings, failureModes } from '../common/audit-sink-settings.ts';
import type { CertificationRules } from '../common/certification-rules.ts';
import type { ClientApprovalRule } from '../common/client-approvals.ts';
import { type Limits, limitNames } from '../common/limits.ts';
import type { Protection } from '../common/protection.ts';
import type { RootUri } from '../common/root-uri.ts';
import type { WaitingPeriod } from '../common/waiting-period.ts';
import type { CustomRoles } from '../identity/policy.ts';
import type { ConfigKey } from './config-key.ts';
import { limitKey, type logLevels, namedKeys, type tlsProfiles, type valueModes } from './keys.ts';
import type { TokenKeySettings } from './token-keys.ts';

/** The configuration: `kmipd.toml` with the defaults filled in and absolute paths. */
export interface Config {
  readonly listen: Address;
  /** Undefined: no HTTPS listener. */
  readonly https: Address | undefined;
  /** `sqlite:/absolute/file` or `postgres://…`. */
  readonly store: string;
  /** Undefined: no metrics listener. */
  readonly metrics: Address | undefined;
  /** True: a Name that another object of the group has is refused. */
  readonly uniqueNames: boolean;
  /** Within which every row of the database is verified once. */
  readonly verificationHours: number;
  /** What is under the two-person rule: methods of the management service, and operations of clients. */
  readonly approval: ClientApprovalRule & {
    readonly methods: readonly string[];
    /** How long a request waits. */
    readonly hours: number;
  };
  /** Whose destroyed objects can be restored, and how long. */
  readonly destroy: WaitingPeriod;
  /** True: the Interop operation is enabled. */
  readonly interop: boolean;
  /** True: only FIPS 140-3 approved algorithms, by OpenSSL's FIPS provider. */
  readonly fips: boolean;
  readonly vault: {
    /** What opens the keyring of the database: one root, or the new and the old one while it moves. */
    readonly root: readonly RootUri[];
    /** Until a new seal epoch is used. */
    readonly activationSeconds: number;
    /** Until kmipd logs out of a token after its last use; absent: never. */
    readonly tokenIdleSeconds?: number;
    /** In which mode new values are sealed. */
    readonly values: (typeof valueModes)[number];
    /** Calls of direct mode that a token gets at once. */
    readonly valueProcesses: number;
  };
  readonly tokenKeys: TokenKeySettings;
  readonly log: { readonly level: (typeof logLevels)[number] };
  readonly tls: {
    readonly profile: (typeof tlsProfiles)[number];
    /** Path of the server certificate (PEM). */
    readonly certificate: string;
    /** Path of its private key (PEM). */
    readonly key: string;
    /** Further names of a server certificate that kmipd issues. */
    readonly names: readonly string[];
    /** Paths of further trusted authorities (PEM). */
    readonly authorities: readonly string[];
  };
  readonly certification: {
    /** URL of the CRL in issued certificates, with `{issuer}`; undefined: they have none. */
    readonly crlUrl: string | undefined;
    /** True: authorities that `authorities` does not list issue nothing. */
    readonly onlyListedAuthorities: boolean;
    /** True: private keys with CertificateSign or CRLSign serve data of clients too. */
    readonly authorityKeysForData: boolean;
  };
  readonly crypto: {
    /** Names that `findDisabledProblem` accepts. */
    readonly disabled: readonly string[];
    /** True: RSA decryption with PKCS #1 v1.5 padding is enabled. */
    readonly pkcs1Decryption: boolean;
    /** Undefined: the file does not set it; see `cryptographicSettingsOf`. */
    readonly legacy: boolean | undefined;
    /** Undefined: the file does not set it; see `protectionOf`. */
    readonly protection: Protection | undefined;
  };
  readonly limits: Limits;
  /** The roles of the section `[roles]`, by name. */
  readonly roles: CustomRoles;
  /** The sections `[authorities.ISSUER]`: naming policies by the identifier of a certificate. */
  readonly authorities: CertificationRules['authorities'];
  /** The tables `[[audit.sinks]]`, in their order. */
  readonly auditSinks: readonly AuditSinkSettings[];
  readonly audit: {
    /** False: nothing is recorded. */
    readonly enabled: boolean;
    /** True: no answer before its record is on disk. */
    readonly strict: boolean;
    /** True: records have the names of objects. */
    readonly names: boolean;
    /** What becomes of a request that cannot be recorded. */
    readonly onFailure: (typeof failureModes)[number];
    /** Days after which blocks of the log are removed; undefined: never. */
    readonly retentionDays: number | undefined;
    /** Size of the log in the database, beyond which its oldest blocks are removed; undefined: any. */
    readonly maxMegabytes: number | undefined;
  };
}

/** Puts a configuration together of the values of a file, by the names of their keys, and of defaults. */
export function assembleConfig(
  values: ReadonlyMap<string, unknown>,
  directory: string,
): Omit<Config, 'roles' | 'authorities' | 'auditSinks'> {
  function value<T>({ name, defaultValue, read }: ConfigKey<T>): T {
    return values.has(name) ? (values.get(name) as T) : read(defaultValue, directory);
  }
  function optional<T>(key: ConfigKey<T>): T | undefined {
    return values.has(key.name) ? value(key) : undefined;
  }
  const limits = Object.fromEntries(limitNames.map((name) => [name, value(limitKey(name))])) as Limits;
  return {
    ...{ listen: value(namedKeys.listen), https: optional(namedKeys.https) },
    store: value(namedKeys.store),
    metrics: optional(namedKeys.metrics),
    ...{ uniqueNames: value(namedKeys.uniqueNames), verificationHours: value(namedKeys.verificationHours) },
    approval: {
      ...{ methods: value(namedKeys.approvalMethods), operations: value(namedKeys.approvalOperations) },
      ...{ roles: value(namedKeys.approvalRoles), hours: value(namedKeys.approvalHours) },
    },
    destroy: {
      ...{ waitingDays: value(namedKeys.destroyWaitingDays), roles: value(namedKeys.destroyRoles) },
      groups: value(namedKeys.destroyGroups),
    },
    ...{ interop: value(namedKeys.interop), fips: value(namedKeys.fips) },
    vault: {
      root: value(namedKeys.root),
      activationSeconds: value(namedKeys.activationSeconds),
      ...(values.has(namedKeys.tokenIdleSeconds.name) && {
        tokenIdleSeconds: value(namedKeys.tokenIdleSeconds),
      }),
      values: value(namedKeys.values),
      valueProcesses: value(namedKeys.valueProcesses),
    },
    tokenKeys: {
      token: optional(namedKeys.tokenKeysUri),
      groups: value(namedKeys.tokenKeysGroups),
      processes: value(namedKeys.tokenKeysProcesses),
      validations: value(namedKeys.tokenKeysValidations),
    },
    log: { level: value(namedKeys.logLevel) },
    tls: {
      profile: value(namedKeys.tlsProfile),
      certificate: value(namedKeys.tlsCertificate),
      key: value(namedKeys.tlsKey),
      names: value(namedKeys.tlsNames),
      authorities: value(namedKeys.tlsAuthorities),
    },
    certification: {
      crlUrl: optional(namedKeys.crlUrl),
      onlyListedAuthorities: value(namedKeys.onlyListedAuthorities),
      authorityKeysForData: value(namedKeys.authorityKeysForData),
    },
    crypto: {
      disabled: value(namedKeys.cryptoDisabled),
      pkcs1Decryption: value(namedKeys.pkcs1Decryption),
      legacy: optional(namedKeys.legacy),
      protection: optional(namedKeys.protection),
    },
    limits,
    audit: {
      enabled: value(namedKeys.auditEnabled),
      strict: value(namedKeys.auditStrict),
      names: value(namedKeys.auditNames),
      onFailure: value(namedKeys.auditOnFailure),
      retentionDays: optional(namedKeys.auditRetentionDays),
      maxMegabytes: optional(namedKeys.auditMaxMegabytes),
    },
  };
}
