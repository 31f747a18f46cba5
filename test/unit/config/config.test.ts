import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { defaultLimits } from '../../../src/common/limits.ts';
import {
  ConfigError,
  cryptographicSettingsOf,
  parseConfig,
  protectionOf,
  readConfigFile,
} from '../../../src/config/index.ts';

const parse = (source: string) => parseConfig(source, 'kmipd.toml', '/home');

t.test('an empty file yields all defaults', (t) => {
  t.same(parse(''), {
    listen: { host: '127.0.0.1', port: 5696 },
    https: undefined,
    store: 'sqlite:/home/kmipd.db',
    metrics: undefined,
    ...{ uniqueNames: false, verificationHours: 24 },
    approval: { methods: [], operations: [], roles: [], hours: 24 },
    destroy: { waitingDays: 0, roles: [], groups: [] },
    interop: false,
    fips: false,
    vault: {
      ...{ root: [{ kind: 'file', path: '/home/root.key' }], activationSeconds: 120 },
      ...{ values: 'envelope', valueProcesses: 2 },
    },
    tokenKeys: { token: undefined, groups: [], processes: 2, validations: [] },
    log: { level: 'info' },
    tls: {
      profile: 'intermediate',
      certificate: '/home/server/cert.pem',
      key: '/home/server/key.pem',
      names: [],
      authorities: [],
    },
    certification: { crlUrl: undefined, onlyListedAuthorities: false, authorityKeysForData: false },
    crypto: { disabled: [], pkcs1Decryption: false, legacy: undefined, protection: undefined },
    audit: {
      ...{ enabled: true, strict: false, names: false, onFailure: 'refuse' },
      ...{ retentionDays: undefined, maxMegabytes: undefined },
    },
    limits: defaultLimits,
    roles: {},
    authorities: new Map(),
    auditSinks: [],
  });
  t.end();
});

t.test('every key of a file takes effect', (t) => {
  const config = parse(`
    listen = "[::]:5697"
    https = "0.0.0.0:443"
    store = "postgres://kmipd:secret@db/kmipd"
    metrics = "127.0.0.1:9696"
    uniqueNames = true
    verificationHours = 2
    approval = { methods = ['client.add'], operations = ['Destroy'], roles = ['veeam'], hours = 3 }
    interop = true
    fips = true
    vault.root = ["credential:b", "file:keys/a"]
    vault.activationSeconds = 90
    vault.tokenIdleSeconds = 0
    vault.valueProcesses = 9
    log.level = "debug"
    [tls]
    profile = "legacy"
    certificate = "/etc/kmipd/cert.pem"
    key = "key.pem"
    names = ["kms.example.com", "10.0.0.1"]
    authorities = ["company.pem"]
    [certification]
    crlUrl = "http://pki.example.com/{issuer}.crl"
    onlyListedAuthorities = true
    authorityKeysForData = true
    [audit]
    enabled = false
    strict = true
    names = true
    onFailure = "alarm"
    retentionDays = 30
    maxMegabytes = 99
    [crypto]
    disabled = ["MD5", "RSA<3072"]
    pkcs1Decryption = true
    protection = "kmip"
    legacy = true
    [limits]
    ${Object.keys(defaultLimits)
      .map((name) => `${name} = ${name === 'depth' ? 17 : 1025}`)
      .join('\n')}
    [roles]
    backup = ["read-only", "Export"]
  `);
  t.same(config, {
    listen: { host: '::', port: 5697 },
    https: { host: '0.0.0.0', port: 443 },
    store: 'postgres://kmipd:secret@db/kmipd',
    metrics: { host: '127.0.0.1', port: 9696 },
    ...{ uniqueNames: true, verificationHours: 2, interop: true },
    approval: { methods: ['client.add'], operations: ['Destroy'], roles: ['veeam'], hours: 3 },
    destroy: { waitingDays: 0, roles: [], groups: [] },
    fips: true,
    vault: {
      root: [
        { kind: 'credential', name: 'b' },
        { kind: 'file', path: '/home/keys/a' },
      ],
      ...{ activationSeconds: 90, tokenIdleSeconds: 0, values: 'envelope', valueProcesses: 9 },
    },
    tokenKeys: { token: undefined, groups: [], processes: 2, validations: [] },
    log: { level: 'debug' },
    tls: {
      profile: 'legacy',
      certificate: '/etc/kmipd/cert.pem',
      key: '/home/key.pem',
      names: ['kms.example.com', '10.0.0.1'],
      authorities: ['/home/company.pem'],
    },
    certification: {
      crlUrl: 'http://pki.example.com/{issuer}.crl',
      onlyListedAuthorities: true,
      authorityKeysForData: true,
    },
    crypto: { disabled: ['MD5', 'RSA<3072'], pkcs1Decryption: true, legacy: true, protection: 'kmip' },
    audit: {
      ...{ enabled: false, strict: true, names: true, onFailure: 'alarm' },
      ...{ retentionDays: 30, maxMegabytes: 99 },
    },
    limits: Object.fromEntries(
      Object.keys(defaultLimits).map((name) => [name, name === 'depth' ? 17 : 1025]),
    ),
    roles: { backup: ['read-only', 'Export'] },
    authorities: new Map(),
    auditSinks: [],
  });
  t.end();
});

const wrong: [source: string, problem: RegExp][] = [
  ['lisen = "127.0.0.1:1"', /^kmipd.toml: unknown key "lisen"; did you mean "listen"\?$/],
  ['verificationHours = 0', /"verificationHours" must be a whole number from 1 to 1000/],
  ['verificationHours = 1001', /"verificationHours" must be a whole number from 1 to 1000/],
  ['verificationHours = 1.5', /"verificationHours" must be a whole number/],
  ['uniquenames = true', /unknown key "uniquenames"; did you mean "uniqueNames"/],
  ['colour = 1', /^kmipd.toml: unknown key "colour"$/],
  ['[tls]\nprofil = "modern"', /unknown key "tls.profil"; did you mean "tls.profile"/],
  ['[tsl]\nprofile = "modern"', /unknown key "tsl"/],
  ['profile = "modern"', /unknown key "profile"/],
  ['tls = "modern"', /unknown key "tls"/],
  ['[tls.profile]\na = 1', /"tls.profile" must be one of "modern", "intermediate", "legacy"/],
  ['__proto__ = 1', /unknown key "__proto__"/],
  ['[toString]\na = 1', /unknown key "toString"/],
  ['certification.crlUrl = "pki.example.com"', /"certification.crlUrl" must be a URL such as/],
  ['certification.crlUrl = "http://exämple.com/x"', /"certification.crlUrl" must be a URL/],
  ['[crypto]\ndisabled = "MD5"', /"crypto.disabled" must be a list/],
  ['[crypto]\ndisabled = ["SHA_2"]', /"crypto.disabled" is wrong: "SHA_2" is no .*; did you mean "SHA_1"\?/],
  ['[crypto]\ndisabled = ["RSA-1024"]', /"RSA-1024" is neither .*: write "RSA=1024"$/],
  ['[crypto]\ndisabled = ["RSA>1024"]', /"RSA>1024" is neither a name of KMIP nor a name and a length/],
  ['[crypto]\ndisabled = ["MD5<128"]', /"MD5<128" gives a length to MD5, which is no algorithm of keys/],
  ['[crypto]\ndisabled = ["SHA_256"]', /"SHA_256" cannot be switched off/],
  ['[crypto]\ndisabled = ["None"]', /"None" is no algorithm/],
  ['[crypto]\npkcs1Decryption = 1', /"crypto.pkcs1Decryption" must be true or false/],
  ['[crypto]\nprotection = "none"', /"crypto.protection" must be one of "strict", "kmip"/],
  ['vault.activationSeconds = -1', /"vault.activationSeconds" must be a whole number from 0 to 86400/],
  ['vault.root = "file:"', /"vault.root" must name a file/],
  ['vault.root = ["file:a", "file:/home/a"]', /"vault.root" must be one root, or a list of two different/],
  ['fips = "on"', /"fips" must be true or false/],
  ['listen = 5696', /"listen" must be "HOST:PORT"/],
  ['listen = "5696"', /"listen" must be/],
  ['listen = ":5696"', /"listen" must be/],
  ['listen = "localhost"', /"listen" must be/],
  ['listen = "localhost:65536"', /"listen" must be/],
  ['listen = "::1:5696"', /"listen" must be/],
  ['store = "mysql://x"', /"store" must be "sqlite:FILE" or/],
  ['store = "sqlite:"', /"store" must be/],
  ['store = "postgres://"', /"store" must be/],
  ['metrics = false', /"metrics" must be "HOST:PORT"/],
  ['interop = "yes"', /"interop" must be true or false/],
  ['interop = 1', /"interop" must be true or false/],
  ['[log]\nlevel = "loud"', /"log.level" must be one of "trace"/],
  [
    '[approval]\noperations = ["Get", "Destory"]',
    /"approval.operations": "Destory" cannot be under the two-person rule; did you mean "Destroy"\?; those that can/,
  ],
  [
    '[approval]\noperations = ["Get"]\nroles = ["veem"]',
    /"approval.roles": the role "veem" is not defined; did you mean "veeam"/,
  ],
  ['[approval]\nroles = ["veeam"]', /"approval.roles" needs "approval.operations"/],
  ['[tls]\nnames = "kms"', /"tls.names" must be a list/],
  ['[tls]\nnames = [1]', /"tls.names" must be a list of texts that are not empty/],
  ['[tls]\nkey = ""', /"tls.key" must not be an empty text/],
  ['[limits]\ndepth = "32"', /"limits.depth" must be a whole number from 8 to 256/],
  ['[limits]\ndepth = 7', /"limits.depth" must be a whole number from 8 to 256/],
  ['[limits]\ndepth = 8.5', /"limits.depth" must be a whole number/],
  ['[limits]\ndepth = nan', /"limits.depth" must be a whole number/],
  ['[limits]\nrequestByte = 1', /unknown key "limits.requestByte"; did you mean "limits.requestBytes"/],
  ['roles = 1', /"roles" must be a table/],
  ['[roles]\na = "Get"', /"roles.a" must be a list of operations/],
  ['[roles]\na = [1]', /"roles.a" must be a list of operations/],
  [
    '[roles]\na = ["Gett"]',
    /"roles.a": "Gett" is neither an operation of KMIP nor a built-in role; did you mean "Get"/,
  ],
  ['[roles]\nfull = ["Get"]', /"roles.full": the role "full" is built in/],
  ['authorities = 1', /"authorities" must be tables: a line \[authorities.ISSUER\]/],
  ['[authorities]\na = "example.com"', /"authorities" must be tables/],
  ...['', ' a', 'a ', '\\ta', 'a\\n', '\\u00a0a', '\\ufeffa', 'a'.repeat(128)].map((id): [string, RegExp] => [
    `[authorities."${id}"]`,
    /ISSUER must be the identifier of a certificate, 1 to 127 characters without white space around/,
  ]),
  ['[authorities.a]\ndomain = ["x"]', /unknown key "authorities.a.domain"; did you mean "domains"\?/],
  ['[authorities.a]\n__proto__ = ["x"]', /unknown key "authorities.a.__proto__"/],
  ['[authorities.a]\ndomains = "x"', /"authorities.a.domains" must be a list of texts/],
  ['[authorities.a]\ndomains = ["*.x"]', /"authorities.a.domains" must be a list of domains .*, not "\*.x"/],
  ['[authorities.a]\ndomains = [".x"]', /must be a list of domains/],
  ['[authorities.a]\ndomains = ["10.0.0.1"]', /must be a list of domains/],
  ['[authorities.a]\nhosts = ["a.*.x"]', /"authorities.a.hosts" must be a list of host names/],
  ['[authorities.a]\nnetworks = ["10.0.0.0"]', /"authorities.a.networks" must be a list of networks/],
  ['[authorities.a]\nnetworks = ["10.0.0.0/33"]', /must be a list of networks/],
  ['[authorities.a]\nnetworks = ["::/129"]', /must be a list of networks/],
  [
    '[authorities.a]\nalternativeNames = ["x400"]',
    /"authorities.a.alternativeNames" must be one of "dns", "ip"/,
  ],
  [
    '[authorities.a]\notherNames = ["UPN"]',
    /"authorities.a.otherNames" must be a list of object identifiers/,
  ],
  ['[authorities.a]\nsubordinates = "x"', /"authorities.a.subordinates" must be/],
  ['[authorities.a]\ncommonName = "x"', /"authorities.a.commonName" must be one of "any", "hosts"/],
  ['listen = ', /^kmipd.toml:1:10: not valid TOML: /],
  ['listen = "a:1"\nlisten = "b:2"', /^kmipd.toml:2:\d+: not valid TOML: /],
  ['[limits\n', /^kmipd.toml:1:\d+: not valid TOML: /],
];
for (const [source, problem] of wrong) {
  t.test(`the file ${JSON.stringify(source)} is refused`, (t) => {
    try {
      parse(source);
      t.fail('accepted');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      t.equal(error.problems.length, 1, error.message);
      t.match(error.message, problem);
      t.notMatch(error.message, /\n/, 'one line');
    }
    t.end();
  });
}

t.test('the error lists all problems of a file', (t) => {
  try {
    parse('a = 1\nb = 2\nlisten = 3');
    t.fail('accepted');
  } catch (error) {
    t.match((error as ConfigError).problems, [/"a"/, /"b"/, /"listen"/]);
  }
  t.end();
});

t.test('policies of authorities are read in their normal form, with defaults', (t) => {
  const { authorities } = parse(
    '[authorities."018f-a"]\ndomains = ["B\u00fccher.Example."]\nhosts = ["*.Apps.example"]\n[authorities.b]\n',
  );
  const defaults = {
    domains: [],
    hosts: [],
    networks: [],
    alternativeNames: ['dns', 'ip', 'email', 'uri'],
    otherNames: [],
    commonName: 'any',
    subordinates: false,
  };
  t.same(
    [...authorities],
    [
      ['018f-a', { ...defaults, domains: ['xn--bcher-kva.example'], hosts: ['*.apps.example'] }],
      ['b', defaults],
    ],
  );
  const many = Array.from({ length: 65 }, (_, index) => `[authorities.a${index}]\n`).join('');
  t.throws(() => parse(many), /lists more than 64/);
  const names = JSON.stringify(Array.from({ length: 1_001 }, (_, index) => `a${index}.example`));
  t.throws(() => parse(`[authorities.a]\ndomains = ${names}`), /at most 1000 entries/);
  t.end();
});

t.test('a file that cannot be read is refused', (t) => {
  const directory = t.testdir();
  const file = join(directory, 'kmipd.toml');
  t.throws(() => readConfigFile(file, directory), {
    message: `${file}: there is no such file; an empty one stands for all defaults`,
  });
  writeFileSync(file, 'listen = "[::1]:1"');
  t.match(readConfigFile(file, directory), { listen: { host: '::1', port: 1 } });
  chmodSync(file, 0);
  if (process.getuid?.() !== 0)
    t.throws(() => readConfigFile(file, directory), { message: /: permission denied; run kmipd as/ });
  t.throws(() => readConfigFile(directory, directory), {
    message: /: this is a directory, not a file; name a regular file instead$/,
  });
  t.end();
});

t.test('the conformance test mode implies weak algorithms, and the file overrides it', (t) => {
  const inForce = (source: string, interop: boolean) =>
    cryptographicSettingsOf({ ...parse(source), interop }).legacy;
  for (const interop of [true, false]) {
    t.equal(inForce('', interop), interop);
    for (const legacy of [true, false]) t.equal(inForce(`[crypto]\nlegacy = ${legacy}`, interop), legacy);
  }
  t.end();
});

t.test('the conformance test mode implies the protection of KMIP, and the file overrides both', (t) => {
  const inForce = (source: string, interop: boolean) => protectionOf({ ...parse(source), interop });
  t.equal(inForce('', false), 'strict');
  t.equal(inForce('', true), 'kmip');
  for (const protection of ['strict', 'kmip'] as const)
    for (const interop of [false, true])
      t.equal(inForce(`[crypto]\nprotection = "${protection}"`, interop), protection);
  t.end();
});
