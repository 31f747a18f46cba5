import { createKeyring, decodeKeyring, encodeKeyring, type Keyring, wipeKeyring } from './keyring.ts';
import { checkPin, type PinPlace, requireNoPin, setPin } from './keyring-pin.ts';
import { alteredKeyringMessage, foreignRootKeyMessage, withRootKey } from './root-key.ts';
import { type ForgedRow, type KeyringStore, type StoredKeyring, VaultUnavailableError } from './vault.ts';

const lostKeyringMessage =
  'the database has no keyring, without which none of its rows can be read: restore it from its backup';

/** Where a keyring is stored, what opens it, and by what it is recognised. */
export interface KeyringPlace {
  /** File of the root key; created when neither the file nor a keyring exists. */
  readonly rootKeyFile: string;
  /** By which the state directory recognises the keyring; nothing is compared when left out. */
  readonly pin?: PinPlace;
  readonly keyrings: KeyringStore;
  /** Is told of a keyring that was altered. */
  readonly forged?: (row: ForgedRow) => void;
}

/** Reads, opens, creates and changes the stored keyring, and compares it with what is remembered of it. */
export class KeyringAccess {
  readonly #place: KeyringPlace;
  readonly #now: () => number;
  /** Whether a keyring is remembered although the pin is read-only. */
  #remembers = false;

  /** `now`: milliseconds since 1970. */
  constructor(place: KeyringPlace, now: () => number) {
    this.#place = place;
    this.#now = now;
  }

  /** Remembers keyrings from here on, also where the pin is read-only. */
  rememberAlways(): void {
    this.#remembers = true;
  }

  /** Resolves to the stored keyring; undefined in a new database. */
  read(): Promise<StoredKeyring | undefined> {
    return this.#place.keyrings.read();
  }

  /**
   * Opens what `read` has returned; creates a keyring, and the root key, for a new database. The caller wipes
   * the result.
   * @throws {VaultUnavailableError} when the root key cannot be used, or the keyring is not the expected one.
   */
  openOrCreate(stored: StoredKeyring | undefined): Promise<Keyring> {
    const { rootKeyFile, pin } = this.#place;
    if (stored === undefined && pin?.isReadOnly)
      return Promise.reject(new VaultUnavailableError(lostKeyringMessage));
    return withRootKey(rootKeyFile, stored !== undefined, (rootKey) => this.#openOrCreate(stored, rootKey));
  }

  /**
   * Stores a changed keyring; resolves to false when another process has changed it at the same time.
   * `change` gets the time in POSIX seconds.
   * @throws as `openOrCreate`
   */
  async change(change: (keyring: Keyring, now: number) => Keyring): Promise<boolean> {
    const stored = await this.read();
    const { rootKeyFile, keyrings } = this.#place;
    const next = await withRootKey(rootKeyFile, stored !== undefined, async (rootKey) => {
      // A secret wrapped by an exchanged root key would be lost at the next restart.
      const changed = change(await this.#openOrCreate(stored, rootKey), this.#seconds());
      const encoded = encodeKeyring(changed, rootKey);
      wipeKeyring(changed);
      return encoded;
    });
    return keyrings.write(next);
  }

  async #openOrCreate(stored: StoredKeyring | undefined, rootKey: Uint8Array): Promise<Keyring> {
    const present = stored ?? (await this.#create(rootKey));
    const keyring = decodeKeyring(present, rootKey);
    const { rootKeyFile, pin, forged } = this.#place;
    if (keyring === 'foreign') throw new VaultUnavailableError(foreignRootKeyMessage(rootKeyFile));
    if (keyring === 'altered') {
      forged?.({ table: 'keyring', id: `generation ${present.generation}` });
      throw new VaultUnavailableError(alteredKeyringMessage);
    }
    if (pin !== undefined) checkPin(this.#remembers ? { ...pin, isReadOnly: false } : pin, keyring);
    return keyring;
  }

  /** Stores a new keyring; when another process was first, returns that one. */
  async #create(rootKey: Uint8Array): Promise<StoredKeyring> {
    const { keyrings, pin } = this.#place;
    if (pin !== undefined) requireNoPin(pin);
    const keyring = createKeyring(this.#seconds());
    const made = encodeKeyring(keyring, rootKey);
    const isStored = await keyrings.write(made);
    if (isStored && pin !== undefined) setPin(pin, keyring);
    wipeKeyring(keyring);
    if (isStored) return made;
    const other = await keyrings.read();
    if (other === undefined) throw new VaultUnavailableError(lostKeyringMessage);
    return other;
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}
