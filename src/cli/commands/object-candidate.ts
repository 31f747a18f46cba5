import type { KeySummary } from '../../management/object-api.ts';
import { print } from '../command.ts';

const births: Readonly<Record<KeySummary['born'], string>> = {
  made: 'made here',
  token: 'made in a token, which it never leaves',
  derived: 'derived here',
  joined: 'joined here',
  split: 'a part of a key, made here',
  unwrapped: 'imported, unwrapped here',
  imported: 'imported',
  registered: 'registered',
};
const showings: Readonly<Record<KeySummary['shown'], string>> = {
  never: 'never left the server',
  wrapped: 'left under keys that no client knows only',
  clear: 'clients may know it',
};

/** Prints what an operator compares before marking a key; never its value. */
export function printCandidate(candidate: KeySummary): void {
  const { id, group, type, algorithm, bits, names, born, shown, isClosed, isMarked } = candidate;
  const rows = {
    object: id,
    group,
    names: names.join(', '),
    type: [type, algorithm, bits === undefined ? undefined : `${bits} bits`].filter(Boolean).join(', '),
    history: `${births[born]}; ${showings[shown]}`,
    recipient: isMarked ? 'marked by an operator' : isClosed ? 'closed: no client knows it' : 'no',
    fingerprint: candidate.fingerprint ?? '',
  };
  for (const [key, value] of Object.entries(rows)) if (value !== '') print(`${`${key}:`.padEnd(13)}${value}`);
}
