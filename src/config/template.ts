import type { ConfigKey } from './config-key.ts';
import { configKeys } from './keys.ts';

/** The values that a rendered file shows for keys without a default. */
const exampleValues: Readonly<Record<string, string | number>> = {
  https: '127.0.0.1:5697',
  metrics: '127.0.0.1:9696',
  'vault.tokenIdleSeconds': 300,
  'audit.retentionDays': 400,
  'audit.maxMegabytes': 10_000,
  'tokenKeys.token': 'pkcs11:token=LABEL?module-path=/usr/lib/vendor.so&pin-source=file:pin',
  'certification.crlUrl': 'http://pki.example.com/{issuer}.crl',
};

/**
 * Renders a configuration file (TOML) with every key under its comment. The keys of `settings` (dotted names)
 * are in force; the others stand with their default behind a `#`.
 */
export function renderConfig(settings: Readonly<Record<string, ConfigKey['defaultValue']>> = {}): string {
  const lines = [
    '# Configuration of kmipd. A line that begins with # shows the default. After a change: kmipd check-config,',
    '# then restart kmipd; SIGHUP reloads certificates, roots, roles, authorities, sinks, [crypto], log level at once.',
  ];
  let section = '';
  for (const { name, comment, defaultValue } of configKeys.values()) {
    const [first, second] = name.split('.') as [string, string?];
    lines.push('');
    if (second !== undefined && first !== section) {
      section = first;
      lines.push(`[${section}]`);
    }
    lines.push(`# ${comment}`);
    const setting = settings[name];
    // Texts, numbers, booleans and lists of texts in JSON are valid TOML.
    const line = `${second ?? first} = ${JSON.stringify(setting ?? defaultValue ?? exampleValues[name])}`;
    lines.push(setting === undefined ? `#${line}` : line);
  }
  return `${[...lines, ...rolesExample, ...authoritiesExample, ...auditSinksExample].join('\n')}\n`;
}

const rolesExample = [
  '',
  '[roles]',
  '# Further roles, as lists of KMIP operations and built-in roles, which kmipd client add --help lists.',
  '# ImportReplace beside Import permits to replace objects that exist (Replace Existing); ImportAsIs to state their',
  '# history: Always Sensitive, Never Extractable, Original Creation Date; UseProtectedPassword to make and open PKCS#12',
  '# files by passwords that the client may not fetch; ForeignNames to change Names of objects that other clients made.',
  '# GroupPolicy beside SetDefaults or SetConstraints permits to decide for all clients of the group.',
  '# The role full includes ImportReplace only.',
  '#vcenter-lab = ["vcenter", "Destroy"]',
  '',
  '# A role as table restricts more than operations; a line that is left out restricts nothing: docs/clients.md.',
  '#[roles.backup]',
  '# Operations, permissions and built-in roles.',
  '#operations = ["Locate", "Get"]',
  '# Object Types that exist for its clients.',
  '#objectTypes = ["SymmetricKey"]',
  '# Algorithms that exist for its clients, of every length, one or from one on; "none": objects without an algorithm.',
  '#algorithms = ["AES=256", "RSA>=3072", "HMAC_SHA256"]',
  '# Key Format Types in which values leave.',
  '#formats = ["Raw"]',
  '# "required": every value leaves as that of a Sensitive object.',
  '#wrapping = "required"',
  '# States in which values are used or leave.',
  '#states = ["Active"]',
];

const authoritiesExample = [
  '',
  '# What an authority, and every authority below it, may certify; ISSUER as kmipd crl lists it: docs/certificates.md.',
  '#[authorities.ISSUER]',
  '# Domains with all names below them; e-mail addresses, hosts of URIs and Common Names are judged alike.',
  '#domains = ["example.com"]',
  '# Names exactly as they stand, also wildcards.',
  '#hosts = ["*.apps.example.com"]',
  '# Networks of IPv4 and IPv6.',
  '#networks = ["10.0.0.0/8", "2001:db8::/32"]',
  '# Kinds of alternative names: dns, ip, email, uri, directory.',
  '#alternativeNames = ["dns", "ip", "email", "uri"]',
  '# Types of otherName, by object identifier; their values are not judged.',
  '#otherNames = []',
  '# "hosts": every Common Name of an end entity is a host or address in the lists; "any": those that look like one.',
  '#commonName = "any"',
  '# true: clients may have authorities certified below, with keys that never leave the server.',
  '#subordinates = false',
];

const auditSinksExample = [
  '',
  '# A place that the audit log is delivered to; a table for each of them: docs/audit-sinks.md.',
  '#[[audit.sinks]]',
  '# For the log, the metrics and the position of the sink; a sink that is renamed begins anew.',
  '#name = "siem"',
  '# file (path), syslog (address), https or otlp (url).',
  '#type = "syslog"',
  '# "tls:HOST:PORT", "tcp:HOST:PORT" or "unix:PATH".',
  '#address = "tls:siem.example.com:6514"',
  '# refuse: no requests are served while an entry waits too long; alarm: log and metrics say so.',
  '#onFailure = "alarm"',
  '# Seconds that an entry may wait.',
  '#deadlineSeconds = 60',
];
