import { ckm, mechanismFlags, tokenFlags } from '../token/cryptoki.ts';
import type { MechanismDescription, TokenDescription, TokenKeyDescription } from '../token/messages.ts';
import { findWrappingFormat, listWrappingMethods } from '../token/wrapping-formats.ts';
import { formatTable } from './table.ts';

/** What `vault token check` has found. */
export interface TokenReport {
  readonly token: TokenDescription;
  readonly mechanisms: readonly MechanismDescription[];
  readonly login: string;
  readonly key?: TokenKeyDescription;
  /** Median of the time that wrapping and unwrapping take together. */
  readonly milliseconds?: number;
  readonly runs?: number;
  /** One line about what keeps kmipd from using the token. */
  readonly problem?: string;
}

/** Returns the report as it is printed with --json. */
export function describeReport({ token, mechanisms, login, key, milliseconds, runs, problem }: TokenReport) {
  const { flags, areCoreDumpsEmpty, ...described } = token;
  return {
    token: { ...described, pin: describePin(flags) },
    areCoreDumpsEmpty,
    login,
    key: key === undefined ? null : { ...key, format: findWrappingFormat(key.format)?.name },
    wrapAndUnwrapMilliseconds: milliseconds ?? null,
    runs: runs ?? 0,
    mechanisms: mechanisms.map((each) => ({
      name: each.name,
      mechanism: each.mechanism,
      functions: listFunctions(each.flags),
      minKeySize: each.minKeySize,
      maxKeySize: each.maxKeySize,
      use: describeUse(each, key),
    })),
    problem: problem ?? null,
  };
}

/** Returns the report as text: the token, the key, and a table of the mechanisms. */
export function formatReport(report: TokenReport): string {
  const { token, key, login, milliseconds, runs } = report;
  const lines = [
    [
      'library',
      `${token.module} ${token.moduleVersion} of ${token.moduleManufacturer}, PKCS #11 ${token.cryptokiVersion}`,
    ],
    ['token', `${token.label}, serial ${token.serial}, slot ${token.slotId}`],
    [
      'model',
      `${token.model} of ${token.manufacturer}, hardware ${token.hardwareVersion}, firmware ${token.firmwareVersion}`,
    ],
    ['PIN', describePin(token.flags)],
    ['login', login],
    ['key', key === undefined ? 'not opened' : describeKey(key)],
    ...(key === undefined ? [] : [['wraps by', describeWrapping(key)]]),
    ...(milliseconds === undefined
      ? []
      : [['speed', `${milliseconds.toFixed(2)} ms to wrap and unwrap a secret (median of ${runs})`]]),
    ...(token.areCoreDumpsEmpty ? [] : [['warning', 'core dumps of the process would contain its memory']]),
  ];
  const mechanisms = [...report.mechanisms]
    .sort((a, b) => a.mechanism - b.mechanism)
    .map((each) => [
      each.name,
      ...columns.map(([, names]) => describeFunctions(each.flags, names)),
      each.maxKeySize === 0 ? '-' : `${each.minKeySize}-${each.maxKeySize}`,
      describeUse(each, key),
    ]);
  const headings = ['MECHANISM', ...columns.map(([heading]) => heading), 'KEY SIZES', 'KMIPD'];
  return `${formatTable(lines)}\n\n${formatTable([headings, ...mechanisms])}`;
}

type FunctionName = keyof typeof mechanismFlags;

/** Each has the functions of both directions; a mechanism generates either one key or a pair. */
const columns: readonly (readonly [heading: string, names: readonly FunctionName[]])[] = [
  ['ENCRYPT', ['encrypt', 'decrypt']],
  ['WRAP', ['wrap', 'unwrap']],
  ['GENERATE', ['generate', 'generateKeyPair']],
  ['SIGN', ['sign', 'verify']],
  ['DERIVE', ['derive']],
];

function listFunctions(
  flags: number,
  names = Object.keys(mechanismFlags) as readonly FunctionName[],
): readonly FunctionName[] {
  return names.filter((name) => (flags & mechanismFlags[name]) !== 0);
}

/** Returns `yes` for all of the functions, otherwise those that the mechanism has. */
function describeFunctions(flags: number, names: readonly FunctionName[]): string {
  const found = listFunctions(flags, names);
  if (found.length === names.length || found.includes('generate')) return 'yes';
  return found.length === 0 ? '-' : found.join(', ');
}

function describePin(flags: number): string {
  if ((flags & tokenFlags.userPinLocked) !== 0) return 'locked';
  if ((flags & tokenFlags.userPinFinalTry) !== 0) return 'one more failed login locks it';
  if ((flags & tokenFlags.userPinCountLow) !== 0) return 'the last login failed';
  if ((flags & tokenFlags.loginRequired) === 0) return 'not required';
  return (flags & tokenFlags.userPinInitialized) === 0 ? 'not set' : 'required';
}

function describeKey(key: TokenKeyDescription): string {
  if (key.isTrial)
    return `${key.algorithm}, made for this check alone: the token has no key that fits the URI`;
  const doubts = [
    ...(key.isExtractable === true ? ['may leave the token wrapped'] : []),
    ...(key.isSensitive === false ? ['is not sensitive'] : []),
    ...(key.wasNeverExtractable === false ? ['was extractable before'] : []),
    ...(key.isMadeInToken === false ? ['was made outside the token'] : []),
  ];
  const name = `${key.algorithm} ${JSON.stringify(key.label)}, CKA_ID ${key.ckaId || 'empty'}, root ${key.id}`;
  return doubts.length === 0 ? name : `${name}; it ${doubts.join(', ')}`;
}

function describeWrapping({ format, way }: TokenKeyDescription): string {
  const { name, key } = findWrappingFormat(format) ?? { name: 'an unknown format', key: 'aes' };
  if (key === 'rsa') return `${name}: whoever has the public key can wrap as well`;
  return `${name}, ${way === 'encrypt' ? 'C_Encrypt' : 'C_WrapKey of an imported secret'}`;
}

/** Returns what kmipd does by a mechanism; '-' for nothing. */
function describeUse(described: MechanismDescription, key: TokenKeyDescription | undefined): string {
  const { mechanism, flags } = described;
  if (mechanism === ckm.aesKeyGen)
    return (flags & mechanismFlags.generate) === 0 ? '-' : 'makes the root key';
  const methods = (['aes', 'rsa'] as const).flatMap((kind) => listWrappingMethods(kind, [described]));
  if (methods.length === 0) return '-';
  return methods.some(({ format }) => format.format === key?.format)
    ? 'wraps the keyring'
    : 'could wrap the keyring';
}
