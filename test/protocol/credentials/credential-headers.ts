import { createHash } from 'node:crypto';
import { plan } from '../../../codec/plan.ts';
import { Authentication, type Credential } from '../../../codec/structures/credentials.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { newestVersion, type Version } from '../../../codec/version.ts';
import { BinaryWriter } from '../../../codec/wire/binary-writer.ts';
import type { Node } from '../../../codec/wire/node.ts';
import type { ClientCredentials } from '../../../src/identity/credentials.ts';
import { hashedPasswordVerifier } from '../../../src/identity/passwords.ts';
import { CredentialDirectory } from '../../../src/protocol/authentication/credential-directory.ts';
import { bytes, decode, enumerated, type RequestItem, structure, valueOf } from '../../client.ts';
import { type Answer, answersOf, type TestService } from '../service.ts';

/** The Authentication of a header with these credentials. */
export function authenticationHeader(...credentials: readonly Credential[]): Node {
  const writer = new BinaryWriter();
  const value = { Credential: [...credentials] };
  plan(Authentication, newestVersion).write(writer, tagNumber('Authentication'), value);
  return decode(writer.finish());
}

export const password = (Username: string, Password?: string): Credential => ({
  CredentialType: 'UsernameAndPassword',
  CredentialValue: { Username, Password },
});

export const ticketOf = (TicketValue: Uint8Array): Credential => ({
  CredentialType: 'Ticket',
  CredentialValue: { Ticket: { TicketType: 'Login', TicketValue } },
});

export const ticketNode = (value: Uint8Array): Node =>
  structure('Ticket', enumerated('TicketType', 1), bytes('TicketValue', value));

type HashName = 'SHA_256' | 'SHA_384' | 'SHA_512';

/** A Hashed Password as a client makes it, and what the server must answer. */
export function hashedPassword(
  username: string,
  word: string,
  microseconds: bigint,
  algorithm?: HashName,
): { credential: Credential; answer: string } {
  const name = { SHA_256: 'sha256', SHA_384: 'sha384', SHA_512: 'sha512' }[algorithm ?? 'SHA_256'];
  const digest = (...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash(name)).digest();
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigInt64(0, microseconds);
  const [one, two] = [digest(username, word), digest(word, username)];
  return {
    credential: {
      CredentialType: 'HashedPassword',
      CredentialValue: {
        Username: username,
        TimeStamp: microseconds,
        ...(algorithm && { HashingAlgorithm: algorithm }),
        HashedPassword: Uint8Array.from([...digest(one, time), ...two]),
      },
    },
    answer: digest(time, one, digest(two)).toString('hex'),
  };
}

/** Hashes a password with cheap parameters. */
export async function quickVerifier(word: string) {
  const { scryptSync } = await import('node:crypto');
  const salt = Buffer.alloc(16, 7);
  const hash = scryptSync(word, salt, 32, { N: 16, r: 8, p: 1 });
  return { N: 16, r: 8, p: 1, salt: salt.toString('base64'), hash: hash.toString('base64') };
}

/** A user with a password that may also be shown hashed. */
export async function user(username: string, word: string, oneTime: readonly string[] = []) {
  const code = (text: string) => createHash('sha256').update(text).digest('base64');
  return {
    username,
    password: await quickVerifier(word),
    hashed: hashedPasswordVerifier(username, word),
    oneTime: oneTime.map(code),
  };
}

/** Gives the client of a service these credentials, as the command line does. */
export async function setCredentials(service: TestService, credentials: ClientCredentials): Promise<void> {
  const { fingerprint = 'f1', enrolledAt = 1 } = service.sender;
  const client = { name: 'tester', group: 'g', role: 'full', fingerprint, enrolledAt };
  await service.clients.add({ ...client, disabled: false, certificate: 'PEM' });
  await new CredentialDirectory(service.store, service.vault).set('tester', credentials);
  const enrolled = await service.clients.byName('tester');
  service.sender = { ...service.sender, enrolledAt: enrolled?.enrolledAt ?? 0, secondFactor: true };
}

/**
 * Sends items with credentials; returns the answers, and the Server Hashed Password of the header as `proof`.
 */
export async function sendAs(
  service: TestService,
  version: Version,
  items: readonly RequestItem[],
  ...credentials: readonly Credential[]
): Promise<{ answers: Answer[]; proof: string | undefined; reasons: string }> {
  const header = credentials.length === 0 ? [] : [authenticationHeader(...credentials)];
  const message = await service.exchange(version, items, header);
  const proof = valueOf(message, 'ResponseHeader', 'ServerHashedPassword') as Uint8Array | undefined;
  const answers = answersOf(message);
  const reasons = answers.map(({ reason, status }) => reason ?? status).join(' ');
  return { answers, proof: proof?.toHex(), reasons };
}
