import t from 'tap';
import { type Config, parseConfig } from '../../../src/config/index.ts';
import { configKeys } from '../../../src/config/keys.ts';
import { takeOverReloadable } from '../../../src/config/reloadable.ts';

const current = parseConfig('', 'kmipd.toml', '/home');

/** Keys that a reload takes over; every other key of the configuration has to be reported. */
const reloadedKeys = [
  'vault.root',
  'vault.values',
  'log.level',
  'tls.certificate',
  'tls.key',
  'tls.names',
  'tls.authorities',
  'certification.onlyListedAuthorities',
  'certification.authorityKeysForData',
  'crypto.disabled',
  'crypto.pkcs1Decryption',
  'crypto.legacy',
  'crypto.protection',
  'destroy.waitingDays',
  'destroy.roles',
  'destroy.groups',
];

/** The configuration with another value under a dotted name. */
function withChange(name: string): { next: Config; read: (config: Config) => unknown } {
  const next = structuredClone(current) as unknown as Record<string, Record<string, unknown>>;
  const [first, second] = name.split('.') as [string, string?];
  const changed = { changed: name };
  if (second === undefined) next[first] = changed;
  else (next[first] as Record<string, unknown>)[second] = changed;
  const read = (config: Config) => {
    const values = config as unknown as Record<string, Record<string, unknown>>;
    return second === undefined ? values[first] : values[first]?.[second];
  };
  return { next: next as unknown as Config, read };
}

t.test('a changed key is taken over by a reload or reported, and never both', async (t) => {
  for (const name of configKeys.keys()) {
    const { next, read } = withChange(name);
    const { config, ignoredKeys } = takeOverReloadable(current, next);
    const isReloaded = reloadedKeys.includes(name);
    t.same(read(config), read(isReloaded ? next : current), `${name}: the value in force`);
    t.same(ignoredKeys, isReloaded ? [] : [name], `${name}: the keys that wait for a restart`);
  }
});

t.test('a reload takes over roles and authorities', async (t) => {
  const next = parseConfig('[authorities.a]\n[roles]\nlab = ["Get"]\n', 'kmipd.toml', '/home');
  const { config, ignoredKeys } = takeOverReloadable(current, next);
  t.same(config.roles, { lab: ['Get'] });
  t.same([...config.authorities.keys()], ['a']);
  t.same(ignoredKeys, []);
});

t.test('a key that was reported is reported again until it is back', async (t) => {
  const next = parseConfig('[tls]\nprofile = "modern"\n', 'kmipd.toml', '/home');
  const { config, ignoredKeys } = takeOverReloadable(current, next);
  t.same(ignoredKeys, ['tls.profile']);
  t.same(takeOverReloadable(config, next).ignoredKeys, ['tls.profile']);
  t.same(takeOverReloadable(config, current).ignoredKeys, []);
});
