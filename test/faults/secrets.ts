import { readdirSync, readFileSync, statSync } from 'node:fs';
import { get as fetchHttp } from 'node:http';
import { join, relative, sep } from 'node:path';
import type { Daemon } from '../fixture/daemon.ts';

/** Looks for secrets in what a daemon writes. They are found by any eight bytes in a row, so that a part does not pass either. */

export interface Secret {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const window = 8;

/** Forms in which a part of a secret may stand in a file: as it is, in hexadecimal, and in Base64 at each of its three phases. */
function* forms(secret: Uint8Array): Generator<string> {
  for (let at = 0; at + window <= secret.length; at += window) {
    const part = Buffer.from(secret.subarray(at, at + window));
    yield part.toString('latin1');
    yield part.toString('hex');
    yield part.toString('hex').toUpperCase();
    // Characters at the ends depend on the neighbours, so only those in between are looked for.
    for (const phase of [0, 1, 2]) {
      const padded = Buffer.concat([Buffer.alloc(phase), part]);
      const inner = (encoding: 'base64' | 'base64url') =>
        padded
          .toString(encoding)
          .replace(/=+$/, '')
          .slice(phase === 0 ? 0 : phase + 1, -1);
      yield inner('base64');
      yield inner('base64url');
    }
    yield part.toJSON().data.join(',');
  }
}

/** Names of the secrets of which a part stands in `content`. */
export function found(content: Uint8Array | string, among: readonly Secret[]): string[] {
  const haystack = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
  return among
    .filter(({ bytes: secret }) => [...forms(secret)].some((form) => haystack.includes(form)))
    .map(({ name }) => name);
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

export function page(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    fetchHttp(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    }).on('error', reject);
  });
}

/** What the daemon holds when the clients are done with it: everything it writes, by name. */
export async function written(server: Daemon, metrics: string): Promise<Map<string, Uint8Array | string>> {
  const all = new Map<string, Uint8Array | string>([
    ['output', server.output],
    ['metrics', metrics],
  ]);
  for (const file of filesBelow(server.home)) {
    const name = relative(server.home, file);
    if (!name.startsWith(`clients${sep}`)) all.set(name, readFileSync(file));
  }
  return all;
}
