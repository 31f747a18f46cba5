import { type ConfigKey, configKeys, exampleValues } from './keys.ts';

/**
 * A commented file for a new home: every key with its default behind a `#`, those of `settings` (dotted names) in
 * force.
 */
export function renderConfig(settings: Readonly<Record<string, ConfigKey['defaultValue']>> = {}): string {
  const lines = [
    '# Configuration of kmipd. A line that begins with # shows the default. After a change: kmipd check-config,',
    '# then restart kmipd; SIGHUP reloads certificates, roles, [crypto] and the log level without a restart.',
  ];
  let section = '';
  for (const { name, comment, defaultValue } of configKeys.values()) {
    const [first, second] = name.split('.') as [string, string?];
    if (second !== undefined && first !== section) {
      section = first;
      lines.push('', `[${section}]`);
    } else if (comment !== '') lines.push('');
    if (comment !== '') lines.push(`# ${comment}`);
    const setting = settings[name];
    // JSON's texts, numbers, booleans and lists of texts are TOML as well.
    const line = `${second ?? first} = ${JSON.stringify(setting ?? defaultValue ?? exampleValues[name])}`;
    lines.push(setting === undefined ? `#${line}` : line);
  }
  return `${[...lines, ...rolesExample].join('\n')}\n`;
}

const rolesExample = [
  '',
  '[roles]',
  '# Further roles: operations of KMIP, and built-in roles that they contain. kmipd client add --help lists those.',
  '#vcenter-lab = ["vcenter", "Destroy"]',
];
