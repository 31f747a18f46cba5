import { failureModes } from '../common/audit-sink-settings.ts';
import { defaultLimits, type LimitName, limitDefinitions, limitNames } from '../common/limits.ts';
import { protections } from '../common/protection.ts';
import { findDisabledProblem } from '../crypto/policy/disabled-names.ts';
import { type ConfigKey, configKey } from './config-key.ts';
import { ruleKeys } from './rule-keys.ts';
import { readTokenUri, readValidations } from './token-keys.ts';
import * as values from './values.ts';

export const tlsProfiles = ['modern', 'intermediate', 'legacy'] as const;
export const valueModes = ['envelope', 'direct'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** The key of a limit: `limits.NAME`. */
export const limitKey = (name: LimitName): ConfigKey<number> => {
  const { min, max, comment } = limitDefinitions[name];
  return configKey(`limits.${name}`, defaultLimits[name], values.integerBetween(min, max), comment);
};

/** Reads the names of `crypto.disabled`. */
function readDisabledNames(value: unknown, directory: string): readonly string[] {
  const names = values.readTexts(value, directory);
  const problem = names.map(findDisabledProblem).find((found) => found !== undefined);
  if (problem !== undefined) throw new values.ConfigValueError(`is wrong: ${problem}`);
  return names;
}

/** The keys other than limits, by their name in the code. */
export const namedKeys = {
  listen: configKey('listen', '127.0.0.1:5696', values.readAddress, 'Where KMIP clients connect.'),
  https: configKey(
    'https',
    undefined,
    values.readAddress,
    'KMIP over HTTPS: POST /kmip with TTLV, XML or JSON, same clients and certificates. Off when the key is absent.',
  ),
  store: configKey(
    'store',
    'sqlite:kmipd.db',
    values.readStoreUrl,
    '"sqlite:FILE", relative to this file, or "postgres://USER@HOST/DATABASE".',
  ),
  metrics: configKey(
    'metrics',
    undefined,
    values.readAddress,
    'Prometheus metrics, /livez and /readyz over plain HTTP. Off when the key is absent.',
  ),
  uniqueNames: configKey(
    'uniqueNames',
    false,
    values.readBoolean,
    'Refuse a Name that another object has or another client had. Some clients give many objects one Name: false.',
  ),
  verificationHours: configKey(
    'verificationHours',
    24,
    // The verification waits for half of them; a timer of Node takes at most 596 hours.
    values.integerBetween(1, 1_000),
    'Hours within which every row of the database is verified once, in the background.',
  ),
  interop: configKey(
    'interop',
    false,
    values.readBoolean,
    'Enable the Interop operation of conformance tests. Never enable it in production.',
  ),
  fips: configKey(
    'fips',
    false,
    values.readBoolean,
    "Allows only FIPS 140-3 approved algorithms and needs OpenSSL's FIPS provider.",
  ),
  ...ruleKeys,
  root: configKey(
    'vault.root',
    'file:root.key',
    values.readRootUris,
    'Root of the keys: file:PATH, passphrase:, credential:NAME, shares:K/N, pkcs11:…, all-of:URI+URI; docs/root-keys.md.',
  ),
  activationSeconds: configKey(
    'vault.activationSeconds',
    120,
    // Every process reads the keyring once a minute.
    values.integerBetween(0, 86_400),
    'Seconds until a new epoch is used, so that all nodes know it; below 90 only for a database of one home.',
  ),
  tokenIdleSeconds: configKey(
    'vault.tokenIdleSeconds',
    undefined,
    values.integerBetween(0, 86_400),
    'Seconds after its last use until kmipd logs out of a token with the root; stays and watches it when absent.',
  ),
  values: configKey(
    'vault.values',
    'envelope',
    values.choiceOf(valueModes),
    'envelope: values under the keyring; direct: under data keys that the token of the root wraps; docs/tokens.md.',
  ),
  valueProcesses: configKey(
    'vault.valueProcesses',
    2,
    values.integerBetween(1, 64),
    'Calls that the token of the root gets at once in direct mode, each by a process with a session of its own.',
  ),
  tokenKeysUri: configKey(
    'tokenKeys.token',
    undefined,
    readTokenUri,
    'Token in which keys are made for Protection Storage Mask Hardware: pkcs11:…; docs/tokens.md. Off when absent.',
  ),
  tokenKeysGroups: configKey(
    'tokenKeys.groups',
    [],
    values.readTexts,
    'Groups of clients whose new keys are all made in the token, ["*"] for every group. Such keys never leave it.',
  ),
  tokenKeysProcesses: configKey(
    'tokenKeys.processes',
    2,
    values.integerBetween(1, 16),
    'Calls to the token at once; each needs a process of 50 MB and a login of its own.',
  ),
  tokenKeysValidations: configKey(
    'tokenKeys.validations',
    [],
    readValidations,
    'Validations of the token that Query states: "NISTCMVP 140-3 3 4000" is FIPS 140-3, level 3, certificate 4000.',
  ),
  logLevel: configKey(
    'log.level',
    'info',
    values.choiceOf(logLevels),
    `The lowest level of messages in the log: ${logLevels.join(', ')}.`,
  ),
  auditEnabled: configKey(
    'audit.enabled',
    true,
    values.readBoolean,
    'Record who did what: clients, administrators, refusals; docs/audit.md.',
  ),
  auditStrict: configKey(
    'audit.strict',
    false,
    values.readBoolean,
    'Answer only once the record is on disk. false: a power cut may lose records of reads of the last 50 ms.',
  ),
  auditNames: configKey(
    'audit.names',
    false,
    values.readBoolean,
    'Names of objects in records, besides their identifiers. Clients choose names; some tell who a key is for.',
  ),
  auditOnFailure: configKey(
    'audit.onFailure',
    'refuse',
    values.choiceOf(failureModes),
    'When records cannot be written: refuse requests, or alarm and answer them, with a gap in the records.',
  ),
  auditRetentionDays: configKey(
    'audit.retentionDays',
    undefined,
    values.integerBetween(1, 36_500),
    'Days after which records are removed from the database. Kept for ever when absent.',
  ),
  auditMaxMegabytes: configKey(
    'audit.maxMegabytes',
    undefined,
    values.integerBetween(16, 16_777_216),
    'Megabytes of records in the database, beyond which the oldest are removed. Any number when absent.',
  ),
  tlsProfile: configKey(
    'tls.profile',
    'intermediate',
    values.choiceOf(tlsProfiles),
    'modern: TLS 1.3; intermediate: also 1.2 with ECDHE and AEAD; legacy: also the CBC suites of old arrays.',
  ),
  tlsCertificate: configKey(
    'tls.certificate',
    'server/cert.pem',
    values.readPath,
    'Server certificate (PEM). If the file is missing, kmipd issues a certificate by the authority in ca/.',
  ),
  tlsKey: configKey(
    'tls.key',
    'server/key.pem',
    values.readPath,
    'Private key of the server certificate (PEM). If both files are missing, kmipd generates a key.',
  ),
  tlsNames: configKey(
    'tls.names',
    [],
    values.readTexts,
    'DNS names and IP addresses of a server certificate that kmipd issues, besides localhost and the host name.',
  ),
  tlsAuthorities: configKey(
    'tls.authorities',
    [],
    values.readPaths,
    'PEM files of further trusted authorities. Their clients can connect once their certificates are enrolled.',
  ),
  crlUrl: configKey(
    'certification.crlUrl',
    undefined,
    values.readWebUrl,
    'URL of the CRL in issued certificates; {issuer} stands for the ISSUER of kmipd crl. Absent: no URL.',
  ),
  onlyListedAuthorities: configKey(
    'certification.onlyListedAuthorities',
    false,
    values.readBoolean,
    'Only the authorities of [authorities.ISSUER] issue certificates; others issue their own self-signed ones only.',
  ),
  authorityKeysForData: configKey(
    'certification.authorityKeysForData',
    false,
    values.readBoolean,
    'Private keys with CertificateSign or CRLSign also sign, decrypt and derive what clients state. Better false.',
  ),
  cryptoDisabled: configKey(
    'crypto.disabled',
    [],
    readDisabledNames,
    'Disabled by name in KMIP: algorithms (also "RSA<2048", "AES=128"), hashes, modes, curves, ….',
  ),
  pkcs1Decryption: configKey(
    'crypto.pkcs1Decryption',
    false,
    values.readBoolean,
    'Decrypt RSA with PKCS #1 v1.5 padding too. A client that uses it can be a padding oracle for its data.',
  ),
  legacy: configKey(
    'crypto.legacy',
    false,
    values.readBoolean,
    'Weak algorithms may protect data: RSA, DH below 2048, DES, RC4, MD5 and SHA-1 signatures, … (--interop implies it).',
  ),
  protection: configKey(
    'crypto.protection',
    'strict',
    values.choiceOf(protections),
    '"strict": Sensitive keys leave only under keys no client knows; "kmip": as KMIP allows (--interop implies it).',
  ),
} satisfies Record<string, ConfigKey>;

/**
 * Every key by its name, in the order of a rendered file; `[roles]` and `[authorities]` have free names and
 * are read separately.
 */
export const configKeys: ReadonlyMap<string, ConfigKey> = new Map(
  [...Object.values<ConfigKey>(namedKeys), ...limitNames.map(limitKey)].map((each) => [each.name, each]),
);
