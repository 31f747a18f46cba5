import { setTimeout as sleep } from 'node:timers/promises';
import { formatRootUri, isAttendedRoot, parseRootUri, partsOf, type RootUri } from '../../common/root-uri.ts';
import { encryptSecret, SecretReceiver } from '../../common/secret-transfer.ts';
import type { ManagedVaultStatus, ManagementCall } from '../../management/api.ts';
import type { NodeSummary } from '../../management/managed-nodes.ts';
import { sameRootMessage } from '../../vault/root-messages.ts';
import { print } from '../command.ts';
import { CommandError } from '../failure.ts';
import { showShares } from '../state-directory/root-attendance.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';
import { formatTime } from '../table.ts';
import { type RootChangeNote, readChangeNote, removeChangeNote, writeChangeNote } from './change-note.ts';
import { configureRoots } from './configured-roots.ts';
import type { RootPassphrase } from './root-passphrase.ts';
import { passOver } from './seal-epochs.ts';

export interface RootChangeOptions {
  readonly stateDirectory: StateDirectory;
  readonly call: ManagementCall;
  readonly uri: RootUri;
  /** That of a root `passphrase:`, if it is one. */
  readonly passphrase: RootPassphrase;
  /** How long to wait for operators and other nodes. */
  readonly waitSeconds: number;
}

const pollMilliseconds = 500;
const hasShares = (uri: RootUri) => partsOf(uri).some(({ kind }) => kind === 'shares');

/**
 * Moves a database from one root to another, step by step; each of them finds out whether it is done. Returns
 * the note with what has changed in it.
 * @throws {CommandError} when a step cannot be done now, and why; the next run goes on there.
 */
export async function changeRoot(options: RootChangeOptions, note: RootChangeNote): Promise<RootChangeNote> {
  const { stateDirectory, call } = options;
  const text = formatRootUri(options.uri);
  const mayBeLive = !note.isCompromised || hasEnded(note);
  let current = note;
  const before = await readStatus(call);
  requireLiving(options, before, note);
  if (isAttendedRoot(options.uri) && isComplete(before, text)) {
    if (!mayBeLive) throw new CommandError(sameRootMessage(text));
  } else {
    current = await prepare(options, before, note);
    const id = await addRoot(options, before, current, mayBeLive);
    const ended = before.roots.filter((root) => root.id !== id).map(({ uri }) => uri);
    const added = await readStatus(call);
    // While the previous root is live, it wraps every epoch that there is.
    const { lastEpoch, ...others } = current;
    current = {
      ...{ ...others, rootId: id, previous: [...new Set([...(note.previous ?? []), ...ended])] },
      ...(added.roots.length === 1 && lastEpoch !== undefined && { lastEpoch }),
    };
    writeChangeNote(stateDirectory.rootChange, current);
    if (added.roots.length > 1) {
      print(`the root ${text} (${id}) opens the database, beside the one before`);
      configureRoots(stateDirectory, [text, ...added.configured.filter((uri) => uri !== text).slice(0, 1)]);
      print(`${stateDirectory.config} names both`);
      await waitForNodes(options, id);
      await moveValues(call, id);
    }
    await call('vault.keepRoot', { id });
  }
  const { configured, generation } = await readStatus(call);
  configureRoots(stateDirectory, configured);
  print(`the root of the database is ${text} (generation ${generation})`);
  for (const uri of current.previous ?? [])
    print(
      `${uri} opens it no more, and still opens every copy made before: keep it as long as these, then destroy it`,
    );
  return current;
}

/** Refuses to go on with a change whose root has left the database since: it may have leaked. */
function requireLiving(
  { stateDirectory }: RootChangeOptions,
  { roots }: ManagedVaultStatus,
  note: RootChangeNote,
) {
  if (note.rootId === undefined || roots.some(({ id }) => id === note.rootId)) return;
  removeChangeNote(stateDirectory.rootChange);
  throw new CommandError(
    `the change to ${note.to} that has begun here was ended elsewhere, and the database has left that root; this home has forgotten it: run the command with the root that is wanted`,
  );
}

/**
 * Makes the root live. The note is written before, so that a killed command is not forgotten, and removed
 * when that root is refused: then nothing has begun.
 */
async function addRoot(
  { stateDirectory, call, uri }: RootChangeOptions,
  before: ManagedVaultStatus,
  note: RootChangeNote,
  mayBeLive: boolean,
): Promise<string> {
  const file = stateDirectory.rootChange;
  const isNoted = readChangeNote(file) !== undefined;
  if (!isNoted) writeChangeNote(file, note);
  try {
    return (await call('vault.addRoot', { uri: formatRootUri(uri), mayBeLive })).id;
  } catch (error) {
    // The note stays where nobody says that the root is not live.
    const status = await readStatus(call).catch(() => undefined);
    if (!isNoted && status?.roots.length === before.roots.length) removeChangeNote(file);
    throw error;
  }
}

/** Whether the change has ended a root, or begun to end what that has wrapped. */
function hasEnded({ previous = [], lastEpoch }: RootChangeNote): boolean {
  return previous.length > 0 || lastEpoch !== undefined;
}

/**
 * Whether this process uses one source, by which it has opened the only root. What operators have opened
 * stays open; other roots may have been lost since, and are opened again to know.
 */
function isComplete({ roots, configured, atHand }: ManagedVaultStatus, text: string): boolean {
  const [live, ...others] = roots;
  const isUsed = configured.length === 1 && configured[0] === text;
  return isUsed && live !== undefined && others.length === 0 && atHand.includes(live.id);
}

/**
 * Reads the status of a vault that is unsealed.
 * @throws {CommandError} when it is sealed
 */
export async function readStatus(call: ManagementCall): Promise<ManagedVaultStatus> {
  const status = await call('vault.status', {});
  if (status.sealedBecause === null) return status;
  throw new CommandError(`the vault is sealed: ${status.sealedBecause}`);
}

/** Makes what operators have to be given, or have to give, of a root. */
async function prepare(
  options: RootChangeOptions,
  status: ManagedVaultStatus,
  note: RootChangeNote,
): Promise<RootChangeNote> {
  const { uri } = options;
  const text = formatRootUri(uri);
  const live = status.roots.find((root) => root.uri === text);
  if (!isAttendedRoot(uri) || (live !== undefined && status.atHand.includes(live.id))) return note;
  if (live === undefined) requireMovable(uri, status, options.stateDirectory.directory);
  // Somebody else has made it where the database moves to it already.
  const isMade = status.roots.length > 1;
  if (hasShares(uri)) return prepareShares(options, status, isMade ? { ...note, isMade } : note);
  await preparePassphrase(options, isMade);
  return note;
}

/** Two roots that people give by the same means cannot be told apart. */
function requireMovable(uri: RootUri, { roots }: ManagedVaultStatus, directory: string): void {
  const meansOf = (each: RootUri) =>
    partsOf(each).flatMap((part) => (isAttendedRoot(part) ? [part.kind] : []));
  if (new Set(meansOf(uri)).size > 1)
    throw new CommandError('a root of shares and a typed passphrase is made by kmipd init only');
  for (const { uri: other } of roots) {
    const parsed = parseRootUri(other, directory);
    if (typeof parsed !== 'string' && meansOf(parsed).some((kind) => meansOf(uri).includes(kind)))
      throw new CommandError(
        `${formatRootUri(uri)} and ${other} are given by the same means: move to another root between, such as file:PATH`,
      );
  }
}

async function preparePassphrase(
  { uri, call, passphrase }: RootChangeOptions,
  isMade: boolean,
): Promise<void> {
  using input = await passphrase.read(!isMade);
  // `addRoot` makes what is missing.
  await call('vault.prepareRoot', { uri: formatRootUri(uri), isMade: true, publicKey: null });
  const { publicKey } = await call('vault.receiver', {});
  await call('vault.unseal', { input: encryptSecret(input, publicKey) });
}

async function prepareShares(
  { uri, call, stateDirectory, waitSeconds }: RootChangeOptions,
  { prepared }: ManagedVaultStatus,
  note: RootChangeNote,
): Promise<RootChangeNote> {
  const text = formatRootUri(uri);
  const { isMade = false } = note;
  if (!isMade || prepared?.uri !== text) {
    const receiver = new SecretReceiver();
    const { publicKey } = receiver;
    const { shares } = await call('vault.prepareRoot', { uri: text, isMade, publicKey });
    const lines = shares.flatMap((share) => receiver.decrypt(share) ?? []);
    if (!isMade) await showShares(lines);
    for (const line of lines) line.wipe();
    writeChangeNote(stateDirectory.rootChange, { ...note, isMade: true });
  }
  print(
    `waiting for the shares, which proves that they are right: kmipd vault unseal --home ${stateDirectory.directory}`,
  );
  await waitUntil(waitSeconds, async () => {
    const status = await readStatus(call);
    if (status.prepared?.uri !== text)
      throw new CommandError('kmipd was started anew, and has no shares any more: run the command again');
    return status.prepared.isReady ? undefined : 'the shares have not come: run the command again';
  });
  return { ...note, isMade: true };
}

/** Seals values under the new root whose keys the token of the former one wraps: that opens them no more. */
async function moveValues(call: ManagementCall, id: string): Promise<void> {
  const isLeft = async () => (await call('vault.values', {})).direct.some(({ root }) => root !== id);
  if (!(await isLeft())) return;
  print('the values whose keys the former token wraps are sealed under the new one');
  const { rewrapped, broken, named } = await passOver(call, {
    ...{ dryRun: false, isPausing: true, tables: ['managed_object'] },
  });
  print(`sealed ${rewrapped} rows anew`);
  if (broken > 0)
    throw new CommandError(`${broken} rows do not open, ${named[0]} first; kmipd verify says more`);
}

async function waitForNodes({ call, waitSeconds }: RootChangeOptions, id: string): Promise<void> {
  let said = '';
  await waitUntil(waitSeconds, async () => {
    const { nodes, atHand, rootProblems, roots } = await readStatus(call);
    if (!roots.some((root) => root.id === id))
      throw new CommandError(`the root ${id} is not live any more: somebody has gone back`);
    if (!atHand.includes(id))
      throw new CommandError(`this node has lost the root: ${rootProblems.join('; ') || id}; run it again`);
    const late = nodes.filter((node) => !node.isOwn && !node.roots.includes(id));
    if (late.length === 0) return undefined;
    const text = late.map(describeNode).join(', ');
    if (text !== said) print(`waiting for nodes that have not got the new root: ${text}`);
    said = text;
    return `nodes hold the change up: ${text}; there, run the same command, or put the root into [vault] root beside the one before and send SIGHUP; kmipd node remove removes those that are gone; then run this command again`;
  });
}

/** Names a node, and what it knew when it wrote last. */
export function describeNode({ name, keyring, writtenAt }: NodeSummary): string {
  const time = writtenAt === null ? 'unknown' : formatTime(writtenAt);
  return `${name} (generation ${keyring}, last written ${time})`;
}

/** Waits until `look` resolves to undefined; its text is the error after so many seconds. */
async function waitUntil(seconds: number, look: () => Promise<string | undefined>): Promise<void> {
  for (const end = performance.now() + seconds * 1000; ; await sleep(pollMilliseconds)) {
    const problem = await look();
    if (problem === undefined) return;
    if (performance.now() >= end) throw new CommandError(problem);
  }
}
