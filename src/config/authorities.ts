import { isIP } from 'node:net';
import { alternativeNameKinds, commonNameRules, type NamingPolicy } from '../common/certification-rules.ts';
import { normalizeHost } from '../common/host-name.ts';
import { didYouMean } from '../common/suggest.ts';
import { ConfigValueError, choiceOf, isTable, readBoolean, readTexts, type ValueReader } from './values.ts';

/** The section `[authorities.ISSUER]` of the configuration: naming policies of authorities. */

/** UTF-16 units of an identifier (`isIdentifier` in src/object/identifiers.ts). */
const maxIdentifierLength = 127;

/** Each is looked up whenever a certificate is issued. */
const maxAuthorities = 64;
const maxEntries = 1_000;

/** Creates a reader of lists whose entries `convert` returns in their normal form, or undefined. */
const listOf =
  (convert: (entry: string) => string | undefined, form: string): ValueReader<readonly string[]> =>
  (value, directory) => {
    const entries = readTexts(value, directory);
    if (entries.length > maxEntries) throw new ConfigValueError(`must have at most ${maxEntries} entries`);
    return entries.map((entry) => {
      const converted = convert(entry);
      if (converted === undefined) throw new ConfigValueError(`must be a list of ${form}, not "${entry}"`);
      return converted;
    });
  };

const readers: { readonly [K in keyof NamingPolicy]: ValueReader<NamingPolicy[K]> } = {
  domains: listOf(normalizeDomain, 'domains such as "example.com", without "*"'),
  hosts: listOf(normalizeHost, 'host names such as "www.example.com" or "*.example.com"'),
  networks: listOf(normalizeNetwork, 'networks such as "10.0.0.0/8" or "2001:db8::/32"'),
  alternativeNames: (value, directory) =>
    readTexts(value, directory).map((entry) => choiceOf(alternativeNameKinds)(entry, directory)),
  otherNames: listOf(normalizeOid, 'object identifiers such as "1.3.6.1.4.1.311.20.2.3"'),
  commonName: choiceOf(commonNameRules),
  subordinates: readBoolean,
};

/** What an authority may certify of which its section says nothing. */
const defaults: NamingPolicy = {
  domains: [],
  hosts: [],
  networks: [],
  alternativeNames: ['dns', 'ip', 'email', 'uri'],
  otherNames: [],
  commonName: 'any',
  subordinates: false,
};

/** Reads the naming policies by the identifiers of certificates, and adds what is wrong to `problems`. */
export function readAuthorities(value: unknown, problems: string[]): ReadonlyMap<string, NamingPolicy> {
  const policies = new Map<string, NamingPolicy>();
  if (value === undefined) return policies;
  if (!isTable(value) || !Object.values(value).every(isTable)) {
    problems.push(
      '"authorities" must be tables: a line [authorities.ISSUER], below it domains = ["example.com"]',
    );
    return policies;
  }
  const entries = Object.entries(value);
  if (entries.length > maxAuthorities) problems.push(`"authorities" lists more than ${maxAuthorities}`);
  for (const [id, fields] of entries) {
    if (id.trim() !== id || id === '' || id.length > maxIdentifierLength)
      problems.push(
        `"authorities" has a section ${JSON.stringify(id)}: ISSUER must be the identifier of a certificate, ` +
          `1 to ${maxIdentifierLength} characters without white space around; kmipd crl shows it`,
      );
    policies.set(id, readPolicy(id, fields as Readonly<Record<string, unknown>>, problems));
  }
  return policies;
}

function readPolicy(id: string, fields: Readonly<Record<string, unknown>>, problems: string[]): NamingPolicy {
  const policy: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(fields)) {
    if (!Object.hasOwn(readers, name)) {
      problems.push(`unknown key "authorities.${id}.${name}"${didYouMean(name, Object.keys(readers))}`);
      continue;
    }
    try {
      // Nothing in a policy is a path.
      policy[name] = readers[name as keyof NamingPolicy](value, '');
    } catch (error) {
      if (!(error instanceof ConfigValueError)) throw error;
      problems.push(`"authorities.${id}.${name}" ${error.message}`);
    }
  }
  return policy as unknown as NamingPolicy;
}

function normalizeDomain(text: string): string | undefined {
  const host = normalizeHost(text);
  return host === undefined || host.includes('*') || isIP(host) !== 0 ? undefined : host;
}

function normalizeNetwork(text: string): string | undefined {
  const [, address = '', bits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128) ? text : undefined;
}

function normalizeOid(text: string): string | undefined {
  return /^[0-2](?:\.(?:0|[1-9]\d{0,38}))+$/.test(text) ? text : undefined;
}
