import { parse, TomlError } from 'smol-toml';
import type { CertificationRules } from '../common/certification-rules.ts';
import { findApprovalProblems } from '../common/client-approvals.ts';
import type { Protection } from '../common/protection.ts';
import { describeFileError, readTextFile } from '../common/regular-file.ts';
import { didYouMean } from '../common/suggest.ts';
import type { CryptographicSettings } from '../crypto/policy/rules.ts';
import { describeRoles } from '../identity/policy.ts';
import { assembleConfig, type Config } from './assemble.ts';
import { findDatabaseSinks, readAuditSinks } from './audit-sinks.ts';
import { readAuthorities } from './authorities.ts';
import { configKeys, namedKeys } from './keys.ts';
import { readRoles } from './roles.ts';
import { ConfigValueError, isTable } from './values.ts';

export type { Config } from './assemble.ts';

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
  const { audit } = tree;
  const auditSinks = readAuditSinks(isTable(audit) ? audit.sinks : undefined, directory, problems);
  for (const [name, value] of flattenSections(tree)) {
    const expected = configKeys.get(name);
    if (expected === undefined) {
      problems.push(
        `unknown key "${name}"${didYouMean(name, [...configKeys.keys(), ...tables, ...tableLists])}`,
      );
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
  if (config !== undefined) problems.push(...findDatabaseSinks(auditSinks, config.store));
  if (config !== undefined && requiresToken(values))
    problems.push('"tokenKeys.groups" needs "tokenKeys.token": keys of these groups are made in that token');
  const defined = describeRoles(roles).map(({ name }) => name);
  if (config !== undefined)
    problems.push(
      ...findWaitingProblems(config.destroy, defined),
      ...findApprovalProblems(config.approval, defined),
    );
  if (config === undefined || problems.length > 0)
    throw new ConfigError(problems.map((problem) => `${file}: ${problem}`));
  return { ...config, roles, authorities, auditSinks };
}

/** Whether keys of some groups belong into a token, and none is named: they would be made by software. */
function requiresToken(values: ReadonlyMap<string, unknown>): boolean {
  const { tokenKeysGroups: groups, tokenKeysUri: token } = namedKeys;
  const named = values.get(groups.name) as readonly string[] | undefined;
  return named !== undefined && named.length > 0 && !values.has(token.name);
}

/** A role that does not exist, or a list without a period, would keep nothing, and nobody would notice. */
function findWaitingProblems(
  { waitingDays, ...named }: Config['destroy'],
  known: readonly string[],
): string[] {
  if (waitingDays === 0 && (named.roles.length > 0 || named.groups.length > 0))
    return ['"destroy.roles" and "destroy.groups" need "destroy.waitingDays": nothing is kept without it'];
  return named.roles
    .filter((role) => !known.includes(role))
    .map((role) => `"destroy.roles": the role "${role}" is not defined${didYouMean(role, known)}`);
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

/** Tables of one name, each an entry of a list. */
const tableLists: readonly string[] = ['audit.sinks'];

/** Yields dotted names with their values; a table that is no section of the configuration is one value. */
function* flattenSections(tree: Record<string, unknown>): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(tree)) {
    if (tables.includes(name)) continue;
    if (!sections.has(name) || !isTable(value)) yield [name, value];
    else
      for (const [inner, innerValue] of Object.entries(value))
        if (!tableLists.includes(`${name}.${inner}`)) yield [`${name}.${inner}`, innerValue];
  }
}
