import t from 'tap';
import { parseConfig } from '../../../src/config/index.ts';
import { configKeys } from '../../../src/config/keys.ts';
import { renderConfig } from '../../../src/config/template.ts';

const parse = (source: string) => parseConfig(source, 'kmipd.toml', '/home');

t.test('the rendered file yields the defaults', (t) => {
  t.same(parse(renderConfig()), parse(''), 'keys behind # are not in force');
  const settings = { listen: '0.0.0.0:1', 'tls.names': ['a "b"'], 'limits.depth': 9 };
  const config = parse(renderConfig(settings));
  t.match(config, { listen: { host: '0.0.0.0', port: 1 }, tls: { names: ['a "b"'] }, limits: { depth: 9 } });
  const uncommented = renderConfig().replaceAll(/^#(?! )/gm, '');
  const whole = parse(uncommented);
  t.match(whole, {
    https: { port: 5697 },
    metrics: { port: 9696 },
    certification: {
      crlUrl: 'http://pki.example.com/{issuer}.crl',
      onlyListedAuthorities: false,
      authorityKeysForData: false,
    },
    roles: { 'vcenter-lab': ['vcenter', 'Destroy'], backup: { wrapping: 'required' } },
  });
  const certification = { crlUrl: undefined, onlyListedAuthorities: false, authorityKeysForData: false };
  const crypto = { ...whole.crypto, legacy: undefined, protection: undefined };
  const restored = {
    ...whole,
    vault: { ...parse('').vault, ...whole.vault, tokenIdleSeconds: undefined },
    tokenKeys: { ...whole.tokenKeys, token: undefined },
    ...{ https: undefined, metrics: undefined },
    audit: { ...whole.audit, retentionDays: undefined, maxMegabytes: undefined },
    certification,
    crypto,
    roles: {},
    authorities: new Map(),
    auditSinks: [],
  };
  t.same(restored, parse(''), 'the values behind # are the defaults');
  for (const line of renderConfig().split('\n')) t.ok(line.length <= 120, line);
  t.end();
});

t.test('the rendered file has a comment above every key', (t) => {
  const lines = renderConfig().split('\n');
  for (const { name, comment } of configKeys.values()) {
    t.match(comment, /^[^\n]*\w[^\n]*\.$/, `${name} has a comment`);
    t.ok(
      lines.some(
        (line, index) =>
          line.startsWith(`#${name.split('.').at(-1)} = `) && lines[index - 1] === `# ${comment}`,
      ),
      `the comment of ${name} is above its line`,
    );
  }
  const keyLines = lines.flatMap((line, index) => (/^#\S+ = /.test(line) ? [index] : []));
  t.equal(
    keyLines.length,
    configKeys.size + 19,
    'every key and the examples of roles, an authority and a sink',
  );
  for (const index of keyLines) t.match(lines[index - 1], /^# \S/, `${lines[index]} has a comment`);
  t.end();
});
