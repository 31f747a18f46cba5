import { parse, TomlError } from 'smol-toml';
import type { Address } from '../common/address.ts';
import type { CertificationRules } from '../common/certification-rules.ts';
import { type Limits, limitNames } from '../common/limits.ts';
import type { Protection } from '../common/protection.ts';
import { describeFileError, readTextFile } from '../common/regular-file.ts';
import type { RootUri } from '../common/root-uri.ts';
import { didYouMean } from '../common/suggest.ts';
import type { CryptographicSettings } from '../crypto/policy/rules.ts';
import { type CustomRoles, roleProblem } from '../identity/policy.ts';
import { readAuthorities } from './authorities.ts';
import {
  type ConfigKey,
  configKeys,
  limitKey,
  type logLevels,
  namedKeys,
  type tlsProfiles,
  type valueModes,
} from './keys.ts';
import type { TokenKeySettings } from './token-keys.ts';
import { ConfigValueError, isTable } from './values.ts';

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
  /** Methods of the management service under the two-person rule, and how long a request waits. */
  readonly approval: { readonly methods: readonly string[]; readonly hours: number };
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
}

/** Returns the protection in force: that of the file, else `kmip` in conformance test mode, else `strict`. */
export function protectionOf({ crypto, interop }: Pick<Config, 'crypto' | 'interop'>): Protection {
  return crypto.protection ?? (interop ? 'kmip' : 'strict');
}

/**
 * Returns the cryptographic settings in force: weak algorithms as the file states, else allowed in
 * conformance test mode only.
 */
export function cryptographicSettingsOf({
  crypto: { disabled, pkcs1Decryption, legacy },
  fips,
  interop,
}: Pick<Config, 'crypto' | 'fips' | 'interop'>): CryptographicSettings {
  return { disabled, pkcs1Decryption, fips, legacy: legacy ?? interop };
}

/** Returns the rules for authorities in force. */
export function certificationRulesOf({
  certification: { onlyListedAuthorities, authorityKeysForData },
  authorities,
}: Pick<Config, 'certification' | 'authorities'>): CertificationRules {
  return { authorities, onlyListedAuthorities, authorityKeysForData };
}

/** Values of the command line, which take precedence over the file. */
export type ConfigOverrides = Partial<
  Pick<Config, 'listen' | 'https' | 'store' | 'metrics' | 'interop' | 'fips'>
>;

/**
 * Is thrown for a configuration file that cannot be used. Each problem is one line with file, key and remedy.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads and checks a configuration file; relative paths in it start at `directory`.
 * @throws {ConfigError} when the file cannot be read, or with every problem in it.
 */
export function readConfigFile(file: string, directory: string): Config {
  let source: string;
  try {
    source = readTextFile(file, 'configuration');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file; an empty one stands for all defaults'
        : (describeFileError(error) ?? `cannot be read (${code}); check its owner and mode`);
    throw new ConfigError([`${file}: ${reason}`]);
  }
  return parseConfig(source, file, directory);
}

/**
 * Checks TOML text. Messages name it `file`; relative paths in it start at `directory`.
 * @throws {ConfigError} with every problem of the text.
 */
export function parseConfig(source: string, file: string, directory: string): Config {
  const tree = parseToml(source, file);
  const problems: string[] = [];
  const values = new Map<string, unknown>();
  const roles = readRoles(tree.roles, problems);
  const authorities = readAuthorities(tree.authorities, problems);
  for (const [name, value] of flattenSections(tree)) {
    const expected = configKeys.get(name);
    if (expected === undefined) {
      problems.push(`unknown key "${name}"${didYouMean(name, [...configKeys.keys(), ...tables])}`);
      continue;
    }
    try {
      values.set(name, expected.read(value, directory));
    } catch (error) {
      if (!(error instanceof ConfigValueError)) throw error;
      problems.push(`"${name}" ${error.message}`);
    }
  }
  const config = problems.length > 0 ? undefined : assembleConfig(values, directory);
  if (config?.vault.values === 'direct' && config.vault.root.some(({ kind }) => kind !== 'pkcs11'))
    problems.push(
      '"vault.values" is "direct", which needs a "vault.root" that is a key in a token, pkcs11:…',
    );
  if (config !== undefined && requiresToken(values))
    problems.push('"tokenKeys.groups" needs "tokenKeys.token": keys of these groups are made in that token');
  if (config === undefined || problems.length > 0)
    throw new ConfigError(problems.map((problem) => `${file}: ${problem}`));
  return { ...config, roles, authorities };
}

/** Whether keys of some groups belong into a token, and none is named: they would be made by software. */
function requiresToken(values: ReadonlyMap<string, unknown>): boolean {
  const { tokenKeysGroups: groups, tokenKeysUri: token } = namedKeys;
  const named = values.get(groups.name) as readonly string[] | undefined;
  return named !== undefined && named.length > 0 && !values.has(token.name);
}

function parseToml(source: string, file: string): Record<string, unknown> {
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '');
    throw new ConfigError([`${file}:${error.line}:${error.column}: not valid TOML: ${reason}`]);
  }
}

const sections = new Set(
  [...configKeys.keys()].filter((name) => name.includes('.')).map((name) => name.split('.')[0]),
);

/** Tables whose keys are names of the operator. */
const tables: readonly string[] = ['roles', 'authorities'];

/** Yields dotted names with their values; a table that is no section of the configuration is one value. */
function* flattenSections(tree: Record<string, unknown>): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(tree)) {
    if (tables.includes(name)) continue;
    if (!sections.has(name) || !isTable(value)) yield [name, value];
    else for (const [inner, innerValue] of Object.entries(value)) yield [`${name}.${inner}`, innerValue];
  }
}

function readRoles(value: unknown, problems: string[]): CustomRoles {
  if (value === undefined) return {};
  if (!isTable(value)) {
    problems.push('"roles" must be a table: a line [roles], below it NAME = ["Get", "Locate"]');
    return {};
  }
  const roles: Record<string, readonly string[]> = {};
  for (const [name, entries] of Object.entries(value)) {
    if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === 'string')) {
      problems.push(`"roles.${name}" must be a list of operations, such as ["Get", "Locate"]`);
      continue;
    }
    const problem = roleProblem(name, entries);
    if (problem === undefined) roles[name] = entries;
    else problems.push(`"roles.${name}": ${problem}`);
  }
  return roles;
}

function assembleConfig(
  values: ReadonlyMap<string, unknown>,
  directory: string,
): Omit<Config, 'roles' | 'authorities'> {
  function value<T>({ name, defaultValue, read }: ConfigKey<T>): T {
    return values.has(name) ? (values.get(name) as T) : read(defaultValue, directory);
  }
  const limits = Object.fromEntries(limitNames.map((name) => [name, value(limitKey(name))])) as Limits;
  return {
    listen: value(namedKeys.listen),
    https: values.has('https') ? value(namedKeys.https) : undefined,
    store: value(namedKeys.store),
    metrics: values.has('metrics') ? value(namedKeys.metrics) : undefined,
    uniqueNames: value(namedKeys.uniqueNames),
    verificationHours: value(namedKeys.verificationHours),
    approval: { methods: value(namedKeys.approvalMethods), hours: value(namedKeys.approvalHours) },
    interop: value(namedKeys.interop),
    fips: value(namedKeys.fips),
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
      token: values.has(namedKeys.tokenKeysUri.name) ? value(namedKeys.tokenKeysUri) : undefined,
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
      crlUrl: values.has(namedKeys.crlUrl.name) ? value(namedKeys.crlUrl) : undefined,
      onlyListedAuthorities: value(namedKeys.onlyListedAuthorities),
      authorityKeysForData: value(namedKeys.authorityKeysForData),
    },
    crypto: {
      disabled: value(namedKeys.cryptoDisabled),
      pkcs1Decryption: value(namedKeys.pkcs1Decryption),
      legacy: values.has(namedKeys.legacy.name) ? value(namedKeys.legacy) : undefined,
      protection: values.has(namedKeys.protection.name) ? value(namedKeys.protection) : undefined,
    },
    limits,
  };
}
