import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Version, versions } from '../../codec/version.ts';
import type { Profile } from '../../profiles/index.ts';

/** A request and the answer that belongs to it, as the XML of the case file. */
export interface Exchange {
  readonly request: string;
  readonly response: string;
}

export interface Case {
  /** Name of the file without its ending, e.g. `BL-M-1-21`. */
  readonly name: string;
  readonly version: Version;
  readonly family: string;
  readonly file: string;
  readonly exchanges: readonly Exchange[];
}

/** Whether a case, by its name, is one of those that prove a profile. */
export function isCaseOf(profile: Profile, name: string): boolean {
  return profile.cases.some((pattern) => matches(pattern, name.replace(/-\d\d$/, '')));
}

/** Whether a name matches a pattern in which `*` matches any text. */
export function matches(pattern: string, name: string): boolean {
  const source = pattern.split('*').map(RegExp.escape).join('.*');
  return new RegExp(`^${source}$`).test(name);
}

/** Cases that share one state of the server, in the order to run them. */
export interface CaseGroup {
  readonly version: Version;
  readonly cases: readonly Case[];
}

const families =
  /^(BL|SKLC|SKFF|AKLC|OMOS|SASED|TL|QS|SUITEB|MSGENC|CS-AC|CS-BC|CS-RNG|AX|PKCS11|TC)(?=[-_])/;

/** Family of a case by its name; a name outside the known families is a family of its own. */
export function familyOf(name: string): string {
  return families.exec(name)?.[1] ?? name;
}

/**
 * Cuts a transcript into exchanges. By text and not by a parser, because a case file need not be one
 * well-formed document: some hold two roots, most hold tokens where a typed value belongs. Throws when a
 * message has no partner.
 */
export function splitExchanges(xml: string): Exchange[] {
  const withoutComments = xml.replace(/<!--[\s\S]*?-->/g, '');
  const messages = [...withoutComments.matchAll(/<(RequestMessage|ResponseMessage)>[\s\S]*?<\/\1>/g)];
  const exchanges: Exchange[] = [];
  for (let at = 0; at < messages.length; at += 2) {
    const [request, response] = [messages[at], messages[at + 1]];
    if (request?.[1] !== 'RequestMessage' || response?.[1] !== 'ResponseMessage') {
      throw new Error(`message ${at + 1} has no partner: requests and responses must alternate`);
    }
    exchanges.push({ request: request[0], response: response[0] });
  }
  return exchanges;
}

/** Every case under `profiles/VERSION` and `test-cases/VERSION` of a directory, by version and name. */
export async function readCases(directory: string): Promise<Case[]> {
  const cases: Case[] = [];
  for (const collection of ['profiles', 'test-cases']) {
    for (const version of versions) {
      const folder = join(directory, collection, version);
      for (const file of (await list(folder)).filter((each) => each.endsWith('.xml'))) {
        const name = basename(file, '.xml');
        const exchanges = splitExchanges(await readFile(join(folder, file), 'utf8'));
        cases.push({
          name,
          version,
          family: familyOf(name),
          file: `${collection}/${version}/${file}`,
          exchanges,
        });
      }
    }
  }
  return cases;
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort(new Intl.Collator('en', { numeric: true }).compare);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Cases that need the objects of another case, each after the one it needs. */
const chains: readonly (readonly string[])[] = [
  ['SASED-M-2', 'SASED-M-3'],
  ['TL-M-2', 'TL-M-3'],
  ['TC-CREG-1', 'TC-CREG-2'],
];

/** One group per case, but those of a chain together: nothing one group leaves behind is seen by another. */
export function groupCases(cases: readonly Case[]): CaseGroup[] {
  const groups = new Map<string, Case[]>();
  for (const each of cases) {
    const stem = each.name.replace(/-\d\d$/, '');
    const chain = chains.find((members) => members.includes(stem));
    const key = `${each.version} ${chain?.join(' ') ?? each.file}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map((members) => ({ version: (members[0] as Case).version, cases: members }));
}

/** Every case of a chain that a filter selected drags its predecessors along, so that it finds its state. */
export function withPredecessors(all: readonly Case[], selected: (each: Case) => boolean): Case[] {
  return groupCases(all).flatMap(({ cases }) => {
    const last = cases.findLastIndex(selected);
    return cases.slice(0, last + 1);
  });
}
