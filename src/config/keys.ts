import { defaultLimits, type Limits } from '../common/limits.ts';
import { findDisabledProblem } from '../crypto/policy/disabled-names.ts';
import * as values from './values.ts';

export const tlsProfiles = ['modern', 'intermediate', 'legacy'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One key of the configuration. */
export interface ConfigKey<T = unknown> {
  /** As in the file; `section.key` inside a table. */
  readonly name: string;
  /** The comment above it in a written file. */
  readonly comment: string;
  /** In force when the key is absent, as the file would say it; undefined: nothing. */
  readonly defaultValue: string | number | boolean | readonly string[] | undefined;
  readonly read: values.ValueReader<T>;
}

const configKey = <T>(
  name: string,
  defaultValue: ConfigKey['defaultValue'],
  read: values.ValueReader<T>,
  comment: string,
): ConfigKey<T> => ({
  name,
  comment,
  defaultValue,
  read,
});

/** Lowest and highest value of each limit: below them clients break, above them the host does. */
const limitRanges: Readonly<Record<keyof Limits, readonly [least: number, most: number]>> = {
  requestBytes: [1_024, 1_073_741_824],
  responseBytes: [1_024, 1_073_741_824],
  depth: [8, 256],
  structureItems: [64, 1_048_576],
  batchItems: [1, 100_000],
  handshakeMilliseconds: [100, 600_000],
  messageMilliseconds: [100, 600_000],
  idleMilliseconds: [1_000, 2_147_483_647],
  writeMilliseconds: [100, 600_000],
  answerMilliseconds: [100, 600_000],
  drainMilliseconds: [0, 600_000],
  connections: [1, 1_000_000],
  connectionsPerClient: [1, 1_000_000],
  locateItems: [1, 1_048_576],
  ticketSeconds: [60, 2_147_483_647],
  announcements: [1, 100_000],
  parts: [0, 1_000_000],
  partsPerClient: [0, 1_000_000],
  partsMilliseconds: [1_000, 86_400_000],
  jobs: [0, 100_000],
  jobsPerClient: [0, 100_000],
  jobBytes: [1_024, 1_073_741_824],
  jobAnswerSeconds: [60, 31_536_000],
  failedDecryptions: [1, 1_000_000],
};

export const limitKey = (name: keyof Limits): ConfigKey<number> =>
  configKey(`limits.${name}`, defaultLimits[name], values.integerBetween(...limitRanges[name]), '');

export const limitNames = Object.keys(limitRanges) as (keyof Limits)[];

function readDisabledNames(value: unknown, directory: string): readonly string[] {
  const names = values.readTexts(value, directory);
  const problem = names.map(findDisabledProblem).find((found) => found !== undefined);
  if (problem !== undefined) throw new values.ConfigValueError(`is wrong: ${problem}`);
  return names;
}

/** By what the code calls them. */
export const namedKeys = {
  listen: configKey('listen', '127.0.0.1:5696', values.readAddress, 'Where KMIP clients connect.'),
  https: configKey(
    'https',
    undefined,
    values.readAddress,
    'KMIP over HTTPS: POST /kmip with TTLV, XML or JSON, the same clients and certificates. Off when left out.',
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
    'Prometheus metrics, /livez and /readyz over plain HTTP. Off when left out.',
  ),
  uniqueNames: configKey(
    'uniqueNames',
    false,
    values.readBoolean,
    'Refuse a Name that another object of the group bears. Some clients name everything alike and need false.',
  ),
  interop: configKey(
    'interop',
    false,
    values.readBoolean,
    'The Interop operation of conformance tests. Never in production.',
  ),
  fips: configKey(
    'fips',
    false,
    values.readBoolean,
    "Nothing but what FIPS 140-3 approves, by OpenSSL's FIPS provider, which has to be installed.",
  ),
  logLevel: configKey('log.level', 'info', values.choiceOf(logLevels), `One of ${logLevels.join(', ')}.`),
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
    'Server certificate and its key (PEM). Without the file, a new certificate of the authority in ca/ is written.',
  ),
  tlsKey: configKey('tls.key', 'server/key.pem', values.readPath, ''),
  tlsNames: configKey(
    'tls.names',
    [],
    values.readTexts,
    'DNS names and addresses of a new server certificate, besides localhost and the name of this host.',
  ),
  tlsAuthorities: configKey(
    'tls.authorities',
    [],
    values.readPaths,
    'PEM files of further authorities. Their clients connect once their certificates are enrolled.',
  ),
  crlUrl: configKey(
    'certification.crlUrl',
    undefined,
    values.readWebUrl,
    'Where certificates say that the list of kmipd crl is; {issuer} stands for its ISSUER. They do not when left out.',
  ),
  cryptoDisabled: configKey(
    'crypto.disabled',
    [],
    readDisabledNames,
    'What is neither made nor used, by its name in KMIP: algorithms (also "RSA<2048", "AES=128"), hashes, modes, curves, ….',
  ),
  pkcs1Decryption: configKey(
    'crypto.pkcs1Decryption',
    false,
    values.readBoolean,
    'Decrypt RSA with PKCS #1 v1.5 padding too. Clients that need it can be used to decrypt what others sent them.',
  ),
} satisfies Record<string, ConfigKey>;

/** What a written file shows for keys without a default. */
export const exampleValues: Readonly<Record<string, string>> = {
  https: '127.0.0.1:5697',
  metrics: '127.0.0.1:9696',
  'certification.crlUrl': 'http://pki.example.com/{issuer}.crl',
};

/** Every key in the order of a written file; `[roles]` has free names and is read apart. */
export const configKeys: ReadonlyMap<string, ConfigKey> = new Map(
  [...Object.values<ConfigKey>(namedKeys), ...limitNames.map(limitKey)].map((each) => [each.name, each]),
);
