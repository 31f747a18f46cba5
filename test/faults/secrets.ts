import { readdirSync, readFileSync, statSync } from 'node:fs';
import { get as fetchHttp } from 'node:http';
import { join, relative, sep } from 'node:path';
import type { Daemon } from '../fixture/daemon.ts';

/**
 * Searches the files and output of a daemon for secrets. Any eight successive bytes of a secret are a
 * finding.
 */

export interface Secret {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const window = 8;

/**
 * Returns the forms of a part of a secret in a file: raw, in hexadecimal, and in Base64 at each of its three
 * offsets.
 */
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

/** Returns the names of the secrets of which `content` contains a part. */
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

/** Returns all files and output of the daemon, by name. */
export async function written(server: Daemon, metrics: string): Promise<Map<string, Uint8Array | string>> {
  const all = new Map<string, Uint8Array | string>([
    ['output', server.output],
    ['metrics', metrics],
  ]);
  for (const file of filesBelow(server.home)) {
    const name = relative(server.home, file);
    // The socket of the daemon has no content. A file that it has renamed meanwhile is read by its new name.
    const status = statSync(file, { throwIfNoEntry: false });
    if (status === undefined || name.startsWith(`clients${sep}`) || status.isSocket()) continue;
    const content = readIfPresent(file);
    if (content !== undefined) all.set(name, content);
  }
  return all;
}

function readIfPresent(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
