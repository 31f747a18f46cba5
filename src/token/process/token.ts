import { ckr, sessionFlags, tokenFlags, userTypeUser } from '../cryptoki.ts';
import type {
  ListedKeys,
  ListKeysRequest,
  MakeKeyAnswer,
  MakeKeyRequest,
  RemoveKeyAnswer,
  RemoveKeyRequest,
} from '../keys/key-messages.ts';
import {
  type HelloRequest,
  type KeyRequest,
  type MechanismDescription,
  type TokenDescription,
  TokenFailure,
  type TokenKeyDescription,
  type TokenLoginRequest,
} from '../messages.ts';
import { listWrappingMethods, type TokenWrappingMethod } from '../wrapping-formats.ts';
import { KeyWrapper, type OpenSession } from './key-wrapper.ts';
import { type CryptokiModule, codeOf, type Handle, loadPkcs11, type Pkcs11 } from './library.ts';
import { MadeKeys } from './made-keys.ts';
import { explainLogin, readPin, requireLoginPermitted } from './pin.ts';
import { type RootKey, TokenObjects } from './root-key.ts';

/** One token, its session and the key in use. Each call waits for the vendor's library. */
export class Token {
  readonly #pkcs11: Pkcs11;
  readonly #module: CryptokiModule;
  readonly #slot: Handle;
  readonly #serial: string;
  #session: OpenSession | undefined;
  #wrapper: KeyWrapper | undefined;
  #keys: MadeKeys | undefined;
  #mechanisms: readonly MechanismDescription[] | undefined;

  /**
   * Loads the library and finds the token.
   * @throws {TokenFailure} when no token, or several ones, fit.
   */
  constructor(request: HelloRequest) {
    this.#pkcs11 = loadPkcs11();
    this.#module = new this.#pkcs11.PKCS11();
    this.#module.load(request.modulePath);
    // Without arguments: one thread calls the library.
    this.#module.C_Initialize();
    const found = this.#findSlots(request);
    if (found.length > 1)
      throw new TokenFailure('token', 'several tokens fit the URI; add serial=NUMBER or slot-id=NUMBER');
    const slot = found[0];
    if (slot === undefined)
      throw new TokenFailure('token', `no token fits the URI; present: ${this.#listLabels()}`);
    this.#slot = slot;
    this.#serial = trim(this.#module.C_GetTokenInfo(slot).serialNumber);
  }

  #findSlots({ token, manufacturer, model, serial, slotId }: HelloRequest): Handle[] {
    const isWanted = (wanted: string | undefined, actual: string) =>
      wanted === undefined || wanted === trim(actual);
    return this.#module.C_GetSlotList(true).filter((slot) => {
      if (slotId !== undefined && slotId !== readHandle(slot)) return false;
      const info = this.#module.C_GetTokenInfo(slot);
      return (
        (info.flags & tokenFlags.tokenInitialized) !== 0 &&
        isWanted(token, info.label) &&
        isWanted(manufacturer, info.manufacturerID) &&
        isWanted(model, info.model) &&
        isWanted(serial, info.serialNumber)
      );
    });
  }

  #listLabels(): string {
    const labels = this.#module
      .C_GetSlotList(true)
      .map((slot) => this.#module.C_GetTokenInfo(slot))
      .filter(({ flags }) => (flags & tokenFlags.tokenInitialized) !== 0)
      .map(({ label, serialNumber }) => `${trim(label)} (serial ${trim(serialNumber)})`);
    return labels.length === 0 ? 'none' : labels.slice(0, 8).join(', ');
  }

  describe(areCoreDumpsEmpty: boolean): TokenDescription {
    const { libraryDescription, libraryVersion, ...info } = this.#module.C_GetInfo();
    const token = this.#module.C_GetTokenInfo(this.#slot);
    return {
      module: trim(libraryDescription),
      moduleManufacturer: trim(info.manufacturerID),
      moduleVersion: formatVersion(libraryVersion),
      cryptokiVersion: formatVersion(info.cryptokiVersion),
      slotId: readHandle(this.#slot),
      label: trim(token.label),
      manufacturer: trim(token.manufacturerID),
      model: trim(token.model),
      serial: this.#serial,
      hardwareVersion: formatVersion(token.hardwareVersion),
      firmwareVersion: formatVersion(token.firmwareVersion),
      flags: token.flags,
      areCoreDumpsEmpty,
    };
  }

  /**
   * Opens a new session in place of the one before it, and logs in once.
   * @throws {TokenFailure} of kind `refused` when a further login may lock the PIN.
   */
  login(request: TokenLoginRequest): void {
    this.#closeSession();
    const flags = sessionFlags.serial | (request.isReadWrite ? sessionFlags.readWrite : 0);
    const handle = this.#module.C_OpenSession(this.#slot, flags);
    this.#session = { pkcs11: this.#pkcs11, module: this.#module, handle };
    const token = this.#module.C_GetTokenInfo(this.#slot);
    if (request.pinFile === undefined) {
      if ((token.flags & tokenFlags.loginRequired) === 0) return;
      throw new TokenFailure('token', 'the token needs a PIN; add pin-source=file:FILE to the URI');
    }
    requireLoginPermitted(token.flags, request);
    const pin = readPin(request.pinFile, request.mustBePrivate);
    try {
      // pkcs11js takes a string, which nobody can overwrite; only this process ever has it.
      this.#module.C_Login(handle, userTypeUser, new TextDecoder().decode(pin));
    } catch (error) {
      if (codeOf(error) !== ckr.userAlreadyLoggedIn)
        throw explainLogin(error, () => this.#module.C_GetTokenInfo(this.#slot).flags);
    } finally {
      pin.fill(0);
    }
  }

  /** A session that the token has lost cannot be closed either. */
  #closeSession(): void {
    this.#wrapper = undefined;
    this.#keys = undefined;
    if (this.#session === undefined) return;
    this.#session = undefined;
    try {
      this.#module.C_CloseAllSessions(this.#slot);
    } catch {
      // The new session shows what is wrong.
    }
  }

  /** Ends session and library, so that the token need not wait for the end of an abandoned session. */
  close(): void {
    this.#closeSession();
    try {
      this.#module.C_Finalize();
    } catch {
      // The process ends in any case.
    }
  }

  /**
   * Finds or makes the key and chooses how it wraps.
   * @throws {TokenFailure} when there is no such key, or it does not wrap.
   */
  openKey(request: KeyRequest): TokenKeyDescription {
    const session = this.requireSession();
    const objects = new TokenObjects(this.#module, session.handle, this.#serial);
    const found = objects.find(request);
    if (found === undefined && request.mode === 'find')
      throw new TokenFailure('token', 'the token has no key that fits the URI');
    if (found === undefined) return this.#createKey(objects, request, session);
    return { ...this.#use(found, session, this.#listMethods(found.kind)), isTrial: false };
  }

  /** Makes a key for the first method by which the token really wraps. */
  #createKey(objects: TokenObjects, request: KeyRequest, session: OpenSession): TokenKeyDescription {
    const reasons: string[] = [];
    for (const method of this.#listMethods('aes')) {
      const key = objects.create(request, method.way, request.mode === 'create');
      try {
        const description = this.#use(key, session, [method]);
        return { ...description, isTrial: request.mode === 'trial' };
      } catch (error) {
        objects.remove(key);
        if (!(error instanceof TokenFailure)) throw error;
        reasons.push(error.message);
      }
    }
    throw new TokenFailure(
      'token',
      reasons.length === 0
        ? 'the token wraps by no AES key; make an RSA pair with the tool of the vendor and name that'
        : `no key that kmipd makes wraps: ${reasons.join('; ')}`,
    );
  }

  /** Chooses one of the methods and wraps by the key from here on. */
  #use(
    key: RootKey,
    session: OpenSession,
    methods: readonly TokenWrappingMethod[],
  ): Omit<TokenKeyDescription, 'isTrial'> {
    const wrapper = new KeyWrapper(session, key, this.#listMethods(key.kind), methods);
    const { format, way } = wrapper.method;
    this.#wrapper = wrapper;
    return { ...key.description, format: format.format, way };
  }

  #listMethods(kind: RootKey['kind']) {
    return listWrappingMethods(kind, this.mechanisms());
  }

  get wrapper(): KeyWrapper {
    if (this.#wrapper === undefined) throw new TokenFailure('session', 'no key is open');
    return this.#wrapper;
  }

  /** The keys that are managed objects, in the session that is open. */
  get keys(): MadeKeys {
    this.#keys ??= new MadeKeys(this.requireSession());
    return this.#keys;
  }

  /** @throws {TokenFailure} when another token is meant. */
  makeKey(request: MakeKeyRequest): MakeKeyAnswer {
    if (request.token !== this.#serial)
      throw new TokenFailure('request', 'another token is here than that in which the key was to be made');
    return this.keys.make(request);
  }

  /** Tells whether this is the token of the key; then it is removed. */
  removeKey({ id, token }: RemoveKeyRequest): RemoveKeyAnswer {
    const isOwn = token === this.#serial;
    return { isOwn, reason: isOwn ? this.keys.removeIfPermitted(id) : null };
  }

  listKeys({ prefix, from }: ListKeysRequest): ListedKeys {
    return this.keys.list(prefix, from);
  }

  requireSession(): OpenSession {
    if (this.#session === undefined) throw new TokenFailure('session', 'no session is open');
    return this.#session;
  }

  /** Asks the token whether the session still exists. */
  ping(): void {
    this.#module.C_GetSessionInfo(this.requireSession().handle);
  }

  mechanisms(): readonly MechanismDescription[] {
    this.#mechanisms ??= this.#module.C_GetMechanismList(this.#slot).map((mechanism) => {
      const { flags, minKeySize, maxKeySize } = this.#module.C_GetMechanismInfo(this.#slot, mechanism);
      return { name: this.#nameOf(mechanism), mechanism, flags, minKeySize, maxKeySize };
    });
    return this.#mechanisms;
  }

  #nameOf(mechanism: number): string {
    const named = Object.entries(this.#pkcs11).find(
      ([name, value]) => name.startsWith('CKM_') && value === mechanism,
    );
    return named?.[0] ?? `0x${mechanism.toString(16).padStart(8, '0')}`;
  }
}

/** PKCS #11 fills its texts up with blanks; some libraries use zeros. */
function trim(text: string): string {
  return text.replace(/[\0 ]+$/, '');
}

/** Returns the number of a slot, a CK_ULONG of at most 48 bits. */
function readHandle(handle: Handle): number {
  return handle.readUIntLE(0, Math.min(handle.length, 6));
}

function formatVersion({ major, minor }: { readonly major: number; readonly minor: number }): string {
  return `${major}.${minor}`;
}
