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
