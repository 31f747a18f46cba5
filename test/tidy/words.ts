/** A name of the code that a contributor cannot guess, and the one that takes its place. */
export interface Word {
  readonly now: string;
  readonly becomes: string;
  /** Whether a declared name, `#` left out, uses the word. */
  readonly matches: (name: string) => boolean;
  /** The files in which the word had that meaning; elsewhere it may be the right one. */
  readonly scope: RegExp;
  /** What must be declared, for a word that is right for other things. */
  readonly declares?: 'function' | 'type';
  /** Samples: a path in the scope, a declaration that is found there, and one that is not. */
  readonly path: string;
  readonly bad: string;
  readonly good: string;
}

/** The name is one of these. */
const is =
  (...names: readonly string[]): Word['matches'] =>
  (name) =>
    names.includes(name);

/** One of these is a part of the name: `part('shelf')` matches `shelf`, `SealingKeyShelf` and `shelfOf`. */
const part =
  (...parts: readonly string[]): Word['matches'] =>
  (name) =>
    (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? []).some((one) => parts.includes(one.toLowerCase()));

const like =
  (pattern: RegExp): Word['matches'] =>
  (name) =>
    pattern.test(name);

const everywhere = /^(src|codec|certs|profiles|bench|test)\//;
const product = /^(src|codec|certs|profiles)\//;
const src = /^src\//;
const net = /^src\/(main\.ts|(daemon|net)\/)/;
const operations = /^src\/operations\//;
const certificates = /^src\/operations\/certificates\//;
const protocol = /^src\/protocol\//;
const reverse = /^src\/(protocol\/endpoints\/|net\/(connection|outgoing|server-request-channel)\.ts$)/;

type Samples = [path: string, bad: string, good: string];

function word(
  now: string,
  becomes: string,
  matches: Word['matches'],
  scope: RegExp,
  [path, bad, good]: Samples,
  declares?: Word['declares'],
): Word {
  return { now, becomes, matches, scope, path, bad, good, ...(declares === undefined ? {} : { declares }) };
}

const value = (name: string): string => `const ${name} = 1;`;
const func = (name: string): string => `export function ${name}() {}`;
const type = (name: string): string => `interface ${name} {}`;
const member = (name: string): string => `class A { ${name} = 1; }`;
const method = (name: string): string => `class A { ${name}() {} }`;
const property = (name: string): string => `interface A { ${name}: string }`;

/**
 * Names of the code, a line for each. Only declarations are looked at: where a name is used, it has been
 * declared.
 */
export const words: readonly Word[] = [
  word('house', 'codebase', part('house', 'houses'), everywhere, [
    'src/x.ts',
    value('houseRules'),
    value('warehouse'),
  ]),
  word('rooms', 'layers', part('rooms'), everywhere, ['src/main.ts', value('rooms'), value('headroom')]),
  word('room', 'space, for what is left of a buffer', is('Room'), everywhere, [
    'src/operations/pkcs11/x.ts',
    type('Room'),
    value('mushroom'),
  ]),
  word('loadRooms', 'static imports', is('loadRooms'), everywhere, [
    'src/cli/x.ts',
    func('loadRooms'),
    func('load'),
  ]),
  word('door', 'listener', part('door', 'doors'), everywhere, [
    'test/net/x.ts',
    func('openDoor'),
    func('indoors'),
  ]),
  word('deeds', 'operations, actions', part('deed', 'deeds'), everywhere, [
    'test/faults/x.ts',
    value('deeds'),
    value('indeed'),
  ]),
  word('DoorObserver', 'ListenerObserver', is('DoorObserver'), everywhere, [
    'src/watch/observer.ts',
    type('DoorObserver'),
    type('ListenerObserver'),
  ]),
  word('Language', 'transport', is('Language', 'language'), net, [
    'src/net/listener.ts',
    member('#language'),
    value('xmlLanguage'),
  ]),
  word('ttlv()', 'createConnection', is('ttlv'), /^src\/net\/listener\.ts$/, [
    'src/net/listener.ts',
    func('ttlv'),
    value('ttlvBytes'),
  ]),
  word('speak', 'createConnection', is('speak', 'speaks'), everywhere, [
    'src/net/https.ts',
    func('speak'),
    value('speakable'),
  ]),
  word('guest', 'session', part('guest', 'guests'), everywhere, [
    'src/net/listener.ts',
    member('#guests'),
    type('Session'),
  ]),
  word('#welcome', '#accept', part('welcome'), everywhere, [
    'src/net/listener.ts',
    method('#welcome'),
    method('#accept'),
  ]),
  word('#admit', '#authenticate', is('admit', 'admits', 'admitted'), src, [
    'src/net/listener.ts',
    method('#admit'),
    value('admittedly'),
  ]),
  word('Speaker', 'ProtocolConnection', part('speaker', 'speakers'), /^(src|test)\/net\//, [
    'src/net/listener.ts',
    type('Speaker'),
    value('speakerless'),
  ]),
  word('Speaker', 'AuthenticatedRequest', part('speaker', 'speakers'), /^(?!(src|test)\/net\/)/, [
    'src/protocol/x.ts',
    func('speakerOf'),
    type('AuthenticatedRequest'),
  ]),
  word('Admission', 'AuthenticationResult', part('admission', 'admissions'), net, [
    'src/net/listener.ts',
    type('Admission'),
    type('AuthenticationResult'),
  ]),
  word('Admission', 'SessionControl', part('admission'), /^(src\/(operations|protocol)|test\/protocol)\//, [
    'src/operations/operation.ts',
    property('admission'),
    type('SessionControl'),
  ]),
  word('farewell', 'tls-close', part('farewell'), everywhere, [
    'src/net/x.ts',
    func('farewell'),
    func('fare'),
  ]),
  word('sayGoodbye', 'closeGracefully', part('goodbye'), everywhere, [
    'src/net/tls-close.ts',
    func('sayGoodbye'),
    func('closeGracefully'),
  ]),
  word(
    'farewellMilliseconds',
    'replacedCertificateGraceMilliseconds',
    is('farewellMilliseconds'),
    everywhere,
    ['src/net/listener.ts', value('farewellMilliseconds'), value('graceMilliseconds')],
  ),
  word('Line', 'ReverseChannel', is('Line', 'line'), reverse, [
    'src/protocol/endpoints/x.ts',
    type('Line'),
    value('outline'),
  ]),
  word('RequestLine', 'ServerRequestChannel', is('RequestLine'), everywhere, [
    'src/net/x.ts',
    type('RequestLine'),
    value('requestLine'),
  ]),
  word('handBack', 'releaseRole', is('handBack'), everywhere, [
    'src/protocol/endpoints/x.ts',
    method('handBack'),
    method('releaseRole'),
  ]),
  word('attend', 'serve', is('attend', 'attends', 'attended'), everywhere, [
    'src/protocol/endpoints/x.ts',
    method('attend'),
    method('serve'),
  ]),
  word('Outbox', 'ResponseWriter', part('outbox'), everywhere, [
    'src/net/connection.ts',
    member('#outbox'),
    member('#writer'),
  ]),
  word('endOfTurn', 'flushBarrier', is('endOfTurn'), everywhere, [
    'src/net/x.ts',
    func('endOfTurn'),
    func('endOfText'),
  ]),
  word('weather', 'transient failure', part('weather'), everywhere, [
    'test/x.ts',
    value('weather'),
    value('whether'),
  ]),
  word('isWeather', 'isTransient', is('isWeather'), everywhere, [
    'src/protocol/jobs/x.ts',
    func('isWeather'),
    func('isTransient'),
  ]),
  word('postpones', 'isRetryable', is('postpones'), src, [
    'src/protocol/batch/x.ts',
    func('postpones'),
    func('postpone'),
  ]),
  word('play', 'executeBatch', is('play', 'plays'), src, [
    'src/protocol/x.ts',
    func('play'),
    func('display'),
  ]),
  word('Play', 'BatchExecution', is('Play'), src, ['src/protocol/x.ts', type('Play'), type('Player')]),
  word('played', 'attempt', part('played'), src, ['src/protocol/x.ts', type('Played'), func('displayed')]),
  word('replays', 'conflict retry', part('replay', 'replays'), src, [
    'src/protocol/x.ts',
    value('replaysAtMost'),
    func('retry'),
  ]),
  word('floorOf', 'exclusiveBarrier', is('floorOf', 'floor'), protocol, [
    'src/protocol/x.ts',
    func('floorOf'),
    func('floored'),
  ]),
  word('alone', 'runExclusive', is('alone'), protocol, [
    'src/protocol/unit-of-work/x.ts',
    method('alone'),
    method('standalone'),
  ]),
  word('Turns', 'SerialQueue', is('Turns', 'turns'), protocol, [
    'src/protocol/x.ts',
    member('#turns'),
    func('returns'),
  ]),
  word('Pauses', 'EventLoopYield', is('Pauses', 'pauses'), protocol, [
    'src/protocol/x.ts',
    type('Pauses'),
    func('pause'),
  ]),
  word('chores', 'maintenance', part('chore', 'chores'), everywhere, [
    'src/protocol/x.ts',
    value('chores'),
    value('choreography'),
  ]),
  word('sweep', 'background task, deleteExpired', part('sweep', 'sweeps', 'sweeping'), src, [
    'src/store/x.ts',
    func('sweepRecords'),
    func('deleteExpired'),
  ]),
  word('Stance', 'OperationTarget', part('stance', 'stances'), everywhere, [
    'src/operations/operation.ts',
    type('ObjectStance'),
    value('instances'),
  ]),
  word('on:', 'target:', is('on'), operations, [
    'src/operations/operation.ts',
    property('on'),
    property('once'),
  ]),
  word('Environments', 'ContextFactory', part('environments'), src, [
    'src/protocol/x.ts',
    type('Environments'),
    value('environment'),
  ]),
  word('Room (Pick of Context)', 'IssuerContext', is('Room', 'room'), certificates, [
    'src/operations/certificates/issuers.ts',
    'function f(room: string) {}',
    type('IssuerContext'),
  ]),
  word('classic', 'legacyReason', is('classic'), src, [
    'src/common/errors.ts',
    property('classic'),
    property('classicOnly'),
  ]),
  word('shelf', 'store of wrapped keys', part('shelf'), everywhere, [
    'test/x.ts',
    type('TestShelf'),
    value('itself'),
  ]),
  word('SealingKeyShelf', 'WrappedKeyStore', is('SealingKeyShelf'), everywhere, [
    'src/vault/vault.ts',
    type('SealingKeyShelf'),
    type('WrappedKeyStore'),
  ]),
  word('#shelve', '#persist', part('shelve', 'shelved', 'shelves'), everywhere, [
    'src/vault/local.ts',
    method('#shelve'),
    method('#persist'),
  ]),
  word('rests', 'isStored', is('rests'), src, ['src/x.ts', property('rests'), property('rest')]),
  word('settle', 'activation delay', part('settle', 'settled'), /^src\/vault\//, [
    'src/vault/local.ts',
    value('settleSeconds'),
    value('activationDelaySeconds'),
  ]),
  word('wish', 'certificate template', part('wish', 'wishes', 'wished'), everywhere, [
    'certs/issue.ts',
    'function f(wished: string) {}',
    value('wisher'),
  ]),
  word('saidByCertificate', 'isDerivedFromCertificate', is('saidByCertificate'), everywhere, [
    'src/operations/certificates/x.ts',
    func('saidByCertificate'),
    func('said'),
  ]),
  word('facts', 'derived attributes; details', part('facts'), src, [
    'src/operations/x.ts',
    func('readFacts'),
    value('factors'),
  ]),
  word('Fact', 'derived attribute', part('fact'), src, ['src/object/x.ts', func('addFact'), value('factor')]),
  word('valueFacts', 'derived attributes of the value', is('valueFacts'), everywhere, [
    'src/object/x.ts',
    func('valueFacts'),
    func('valueRules'),
  ]),
  word('Choice', 'IssuerSelector', is('Choice', 'choice'), certificates, [
    'src/operations/certificates/issuers.ts',
    type('Choice'),
    value('choices'),
  ]),
  word('above', 'issuerCertificate', is('above'), src, [
    'src/crypto/x509/x.ts',
    'function f(above: string) {}',
    value('aboveZero'),
  ]),
  word('former', 'previous', is('former'), src, [
    'src/operations/certificates/x.ts',
    value('former'),
    value('formerly'),
  ]),
  word('going', 'activeIssuers', is('going'), certificates, [
    'src/operations/certificates/issuers.ts',
    value('going'),
    value('ongoing'),
  ]),
  word('succession', 'certificate history', part('succession'), everywhere, [
    'src/operations/x.ts',
    func('noteSuccession'),
    func('success'),
  ]),
  word('succeeds', 'isReplacedBy', is('succeeds'), src, [
    'src/operations/x.ts',
    func('succeeds'),
    func('succeeded'),
  ]),
  word('after', 'replacement', is('after'), certificates, [
    'src/operations/certificates/x.ts',
    value('after'),
    value('afterwards'),
  ]),
  word('bundle', 'encodePkcs12', is('bundle', 'Bundle'), product, [
    'certs/pkcs12.ts',
    func('bundle'),
    func('bundled'),
  ]),
  word('unbundle', 'decodePkcs12', is('unbundle', 'unbundled'), product, [
    'src/crypto/x.ts',
    func('unbundle'),
    func('unbundling'),
  ]),
  word('judge', 'validatePath', part('judge', 'judged', 'judges'), src, [
    'src/crypto/x509/x.ts',
    func('judge'),
    func('judgement'),
  ]),
  word(
    'order',
    'buildChain',
    is('order'),
    /^src\/crypto\//,
    ['src/crypto/certification.ts', property('order: () => void; other'), value('order')],
    'function',
  ),
  word('Verdict', 'ValidationResult', part('verdict', 'verdicts'), src, [
    'src/crypto/certification.ts',
    type('Verdict'),
    type('ValidationResult'),
  ]),
  word('undecipherable', 'decryptionFailed', part('undecipherable'), everywhere, [
    'src/protocol/x.ts',
    func('isUndecipherable'),
    func('decipher'),
  ]),
  word('slowly', 'limitConcurrency', is('slowly'), everywhere, [
    'src/crypto/threads/x.ts',
    func('slowly'),
    func('isSlow'),
  ]),
  word('dressed', 'wrapped', part('dressed', 'dress'), src, [
    'src/operations/transfer/x.ts',
    func('dressed'),
    func('addressed'),
  ]),
  word('concealed', 'encrypted', part('concealed'), product, [
    'src/operations/transfer/x.ts',
    func('isConcealed'),
    func('conceal'),
  ]),
  word('requireWords', 'requireRepresentableIn', is('requireWords'), everywhere, [
    'src/operations/transfer/x.ts',
    func('requireWords'),
    func('require'),
  ]),
  word('Sharing', 'SecretSharingScheme', is('Sharing'), everywhere, [
    'src/crypto/x.ts',
    type('Sharing'),
    type('SharingPolynomial'),
  ]),
  word('gathered', 'merged repeated fields', part('gather', 'gathered'), product, [
    'codec/schema.ts',
    func('compileGathered'),
    func('gatherer'),
  ]),
  word('spread', 'split repeated fields', part('spread'), product, [
    'codec/schema.ts',
    func('spreadAs'),
    func('spreading'),
  ]),
  word('most…', 'max…', like(/^most($|[A-Z])/), everywhere, [
    'src/x.ts',
    value('mostBytes'),
    value('mostly'),
  ]),
  word('…AtMost', 'max…', like(/AtMost$/), everywhere, ['src/x.ts', value('sealsAtMost'), value('atMost')]),
  word('longest…', 'max…', like(/^longest[A-Z]/), everywhere, [
    'src/x.ts',
    value('longestName'),
    value('longest'),
  ]),
  word(
    'joined',
    'concatBytes',
    is('joined'),
    product,
    ['src/common/bytes.ts', func('joined'), value('joined')],
    'function',
  ),
  word(
    'written',
    'encodeMessage or encodeDer…',
    is('written'),
    product,
    ['codec/wire/x.ts', 'const written = () => 1;', value('written')],
    'function',
  ),
  word(
    'capped',
    'truncate',
    is('capped'),
    product,
    ['src/watch/log.ts', func('capped'), value('capped')],
    'function',
  ),
  word(
    'released',
    'prepareForExport',
    is('released'),
    product,
    ['src/operations/transfer/x.ts', func('released'), value('released')],
    'function',
  ),
  word('confined', 'restrictToRights', part('confined'), src, [
    'src/protocol/authentication/x.ts',
    type('ConfinedWork'),
    func('confine'),
  ]),
  word('Guard', 'LoginThrottle', part('guard', 'guards'), everywhere, [
    'src/protocol/x.ts',
    member('#guard'),
    value('safeguard'),
  ]),
  word('Attempt.held', 'verified', is('held'), /^src\/identity\//, [
    'src/identity/x.ts',
    property('held'),
    property('heldBack'),
  ]),
  word('Proof', 'VerifiedCredential', is('Proof'), src, ['src/identity/x.ts', type('Proof'), value('proof')]),
  word('asking', 'endpointObserver', is('asking'), /^src\/(main\.ts|(daemon|protocol|watch)\/)/, [
    'src/main.ts',
    value('asking'),
    value('masking'),
  ]),
  word('told', 'isNotified', is('told'), protocol, ['src/protocol/x.ts', value('told'), value('toldMe')]),
  word('hears', 'observes', part('hears'), src, ['src/protocol/x.ts', method('hears'), method('rehearse')]),
  word('unproven', 'authenticationFailed', part('unproven'), everywhere, [
    'src/watch/x.ts',
    type('UnprovenSpeaker'),
    value('proven'),
  ]),
  word('forgetRecord', 'deleteRecord', is('forgetRecord'), everywhere, [
    'src/protocol/x.ts',
    method('forgetRecord'),
    method('forget'),
  ]),
  word('noteIssued', 'recordIssued', is('noteIssued'), everywhere, [
    'src/operations/certificates/x.ts',
    func('noteIssued'),
    func('note'),
  ]),
  word('takes', 'decrement', is('takes'), src, ['src/operations/x.ts', value('takes'), value('mistakes')]),
  word('measured', 'withMetrics', is('measured'), src, ['src/store/x.ts', func('measured'), func('measure')]),
  word('both…', 'composite observer', like(/^both([A-Z]|$)/), /^src\/watch\//, [
    'src/watch/x.ts',
    func('bothEndpoints'),
    func('bother'),
  ]),
  // The option --home keeps its name, so the arguments of a command may be called so.
  word('home', 'stateDirectory', is('home', 'Home'), /^src\/(?!cli\/(command\.ts|commands\/))/, [
    'src/daemon/x.ts',
    'function f(home: string) {}',
    value('homely'),
  ]),
  word('…home…', 'state directory', like(/^home[A-Z]|[a-z]Home/), /^src\/(?!cli\/command\.ts)/, [
    'src/cli/state-directory/x.ts',
    func('lockHome'),
    func('home'),
  ]),
  word(
    'words (argv)',
    'args',
    is('words', 'Words'),
    /^(src\/cli|bench|test\/(cli|interop))\/|^test\/daemon\.ts$/,
    ['src/cli/run.ts', 'function f(words: string[]) {}', value('passwords')],
  ),
];

/** A file name that says too little: `path` without `.ts` or `.test.ts`, from its last folder on. */
export interface FileWord {
  readonly now: string;
  readonly becomes: string;
}

/** File names of src/ and of their tests. */
export const fileWords: readonly FileWord[] = [
  { now: 'rooms', becomes: 'nothing: import what is needed' },
  { now: 'door', becomes: 'listener' },
  { now: 'language', becomes: 'transport' },
  { now: 'farewell', becomes: 'tls-close' },
  { now: 'outbox', becomes: 'response-writer' },
  { now: 'weather', becomes: 'transient-failure' },
  { now: 'stance', becomes: 'operation-target' },
  { now: 'shelf', becomes: 'wrapped-key-store' },
  { now: 'guard', becomes: 'login-throttle' },
  { now: 'certificate-wish', becomes: 'certificate-template' },
  { now: 'succession', becomes: 'certificate-history' },
  { now: 'slow-work', becomes: 'limit-concurrency' },
  { now: 'kept-keys', becomes: 'private-key-cache' },
  { now: 'nearest', becomes: 'suggest' },
  { now: 'both', becomes: 'composite-observer' },
  { now: 'creating', becomes: 'new-object' },
  { now: 'releasing', becomes: 'object-export' },
  { now: 'issuing', becomes: 'issuance' },
  { now: 'incoming', becomes: 'object-import' },
  { now: 'issued', becomes: 'issued-certificates' },
  { now: 'using-keys', becomes: 'usable-key' },
  { now: 'encapsulating', becomes: 'kem' },
  { now: 'parts', becomes: 'multi-part' },
  { now: 'outputs', becomes: 'payload-withholding' },
  { now: 'line', becomes: 'reverse-channel' },
  { now: 'turns', becomes: 'serial-queue' },
  { now: 'chores', becomes: 'maintenance' },
  { now: 'pause', becomes: 'event-loop-yield' },
];

/** A word of comments, messages, test names and documents. */
export interface ProseWord {
  readonly now: RegExp;
  readonly becomes: string;
  readonly bad: string;
  readonly good: string;
}

/** Whole words and phrases, in any case. */
export const proseWords: readonly ProseWord[] = [
  { now: /houses?/, becomes: 'codebase, server', bad: 'a map of the house', good: 'a warehouse' },
  { now: /rooms?/, becomes: 'layer; space', bad: 'every room', good: 'headroom of the householder' },
  { now: /doors?/, becomes: 'listener, interface', bad: 'through its doors', good: 'indoors' },
  { now: /guests?/, becomes: 'session', bad: 'Guests wait', good: 'guesses' },
  { now: /farewells?/, becomes: 'close', bad: 'the farewell', good: 'fare well' },
  { now: /weather/, becomes: 'transient failure', bad: 'Bad weather', good: 'whether' },
  { now: /shelf|shelves/, becomes: 'store of wrapped keys', bad: 'on the shelf', good: 'itself' },
  { now: /chores?/, becomes: 'maintenance', bad: 'chores of the night', good: 'choreography' },
  { now: /speakers?/, becomes: 'client, request', bad: "the speaker's rights", good: 'loudspeaker' },
  { now: /deeds?/, becomes: 'operation, action', bad: 'deeds and words', good: 'indeed' },
  { now: /stances?/, becomes: 'target', bad: 'the stance', good: 'instances' },
  { now: /undecipherable/, becomes: 'cannot be decrypted', bad: 'undecipherable', good: 'decipher' },
  { now: /may(?: not)? speak/, becomes: 'is (not) authorised', bad: 'may not speak', good: 'may speaks' },
  { now: /rests? sealed/, becomes: 'stored encrypted', bad: 'Objects rest sealed', good: 'rest, sealed' },
];
