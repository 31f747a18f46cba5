import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { cka, cko, ckr } from '../cryptoki.ts';
import { keyAttributes, keyMechanisms } from '../keys/key-cryptoki.ts';
import type { ListedKeys, MakeKeyAnswer, MakeKeyRequest } from '../keys/key-messages.ts';
import { TokenFailure } from '../messages.ts';
import { classifyCallFailure } from './key-codes.ts';
import { describeGeneration, type Generation } from './key-generation.ts';
import { buildMechanism } from './key-mechanisms.ts';
import type { OpenSession } from './key-wrapper.ts';
import { type AttributeTemplate, codeOf, type Handle, toFailure, viewOf } from './library.ts';

/** Makes, finds, lists and removes the keys that are managed objects, in one session. */

/** Keys that are looked at at once, and those of one answer. */
const maxFound = 1_000;
const maxListed = 24;
const classes = [cko.secretKey, cko.privateKey, cko.publicKey];
const maxMacBytes = 64;
/** Handles that are remembered. */
const maxHandles = 1_024;

export class MadeKeys {
  readonly #session: OpenSession;
  readonly #handles = new Map<string, Handle>();
  /** All keys, as the first page of a list has found them. */
  #listed: readonly Handle[] | undefined;

  constructor(session: OpenSession) {
    this.#session = session;
  }

  /**
   * Makes a key that does not leave the token, and checks that the token says so.
   * @throws {TokenFailure} when the token makes one that it would give out, which is removed then, or when it
   *   is full or refuses the call for another reason than the kind of the key
   */
  make({ id, label, key, uses }: MakeKeyRequest): MakeKeyAnswer {
    const generation = describeGeneration(key);
    const named: AttributeTemplate = [
      { type: cka.keyType, value: generation.keyType },
      { type: cka.label, value: viewOf(new TextEncoder().encode(label)) },
      { type: cka.id, value: viewOf(Uint8Array.fromHex(id)) },
    ];
    const secret: AttributeTemplate = [
      { type: cka.class, value: generation.isPair ? cko.privateKey : cko.secretKey },
      ...named,
      { type: cka.token, value: true },
      { type: cka.private, value: true },
      { type: cka.sensitive, value: true },
      { type: cka.extractable, value: false },
      { type: cka.decrypt, value: uses.decrypt },
      { type: cka.sign, value: uses.sign },
      { type: cka.unwrap, value: false },
      { type: cka.derive, value: false },
      ...(generation.isPair
        ? []
        : [
            { type: cka.encrypt, value: uses.encrypt },
            { type: cka.verify, value: false },
            { type: cka.wrap, value: false },
          ]),
    ];
    try {
      this.remove(id);
      const publicKey = this.#generate(generation, named, secret);
      if (key.type === 'generic' && uses.sign) this.#tryHmac(id, key.hash);
      return { status: 'done', publicKey };
    } catch (error) {
      this.#removeQuietly(id);
      const failure = classifyCallFailure(error, () => this.#searchId(id));
      if (failure === 'lost') throw error;
      const { message } = toFailure(error);
      if (failure === 'unclear' || failure === 'refused') throw new TokenFailure('request', message);
      return { status: 'unsupported', reason: message };
    }
  }

  #generate(
    { mechanism, specific, isPair }: Generation,
    named: AttributeTemplate,
    secret: AttributeTemplate,
  ): Readonly<Record<string, string>> | null {
    const { module, handle: session } = this.#session;
    if (!isPair) {
      this.#requireKept(module.C_GenerateKey(session, { mechanism }, [...secret, ...specific]));
      return null;
    }
    // The public half ends with the session: it is an object of the database.
    const open: AttributeTemplate = [
      { type: cka.class, value: cko.publicKey },
      ...named,
      { type: cka.token, value: false },
      { type: cka.verify, value: true },
      ...specific,
    ];
    const pair = module.C_GenerateKeyPair(session, { mechanism }, open, secret);
    try {
      this.#requireKept(pair.privateKey);
      return this.#readPublic(pair.publicKey, mechanism);
    } finally {
      module.C_DestroyObject(session, pair.publicKey);
    }
  }

  /**
   * Tokens make keys of sizes that their HMAC does not take: SoftHSM2 wants as many bytes as the hash has.
   * CK_MECHANISM_INFO does not tell, because some count bytes there and others bits.
   */
  #tryHmac(id: string, hash: HashingAlgorithm): void {
    const { module, handle: session, pkcs11 } = this.#session;
    const key = this.find(id, cko.secretKey);
    if (key === undefined)
      throw new TokenFailure('request', 'the token does not find a key that it has made');
    module.C_SignInit(session, buildMechanism({ kind: 'hmac', hash }, pkcs11).mechanism, key);
    module.C_Sign(session, Buffer.alloc(1), Buffer.alloc(maxMacBytes)).fill(0);
  }

  #readPublic(handle: Handle, mechanism: number): Readonly<Record<string, string>> {
    if (mechanism === keyMechanisms.ecKeyPairGen)
      return { type: 'ec', point: readPoint(this.#require(handle, keyAttributes.ecPoint)).toHex() };
    return {
      type: 'rsa',
      modulus: new Uint8Array(this.#require(handle, cka.modulus)).toHex(),
      exponent: new Uint8Array(this.#require(handle, cka.publicExponent)).toHex(),
    };
  }

  #require(handle: Handle, type: number): Buffer {
    const value = this.#read(handle, type);
    if (value === undefined) throw new TokenFailure('request', 'the token does not tell a public key');
    return value;
  }

  /** Refuses a key of which the token does not say that it stays there, and always has. */
  #requireKept(handle: Handle): void {
    const isWrong = [
      [cka.sensitive, 1],
      [cka.extractable, 0],
    ].some(([type = 0, wanted]) => this.#read(handle, type)?.[0] !== wanted);
    const hasLeft = [keyAttributes.alwaysSensitive, cka.neverExtractable].some(
      (type) => this.#read(handle, type)?.[0] === 0,
    );
    if (isWrong || hasLeft)
      throw new TokenFailure('request', 'the token has made a key that it would give out; it was removed');
  }

  /** Reads one attribute; undefined when the object has none or the token keeps it. */
  #read(handle: Handle, type: number): Buffer | undefined {
    const { module, handle: session } = this.#session;
    try {
      return module.C_GetAttributeValue(session, handle, [{ type }])[0]?.value;
    } catch (error) {
      const code = codeOf(error);
      if (code === ckr.attributeSensitive || code === ckr.attributeTypeInvalid) return undefined;
      throw error;
    }
  }

  /** Returns the handle of a key; undefined when the token has none. */
  find(id: string, objectClass: number): Handle | undefined {
    const key = `${objectClass} ${id}`;
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const [found] = this.#search([
      { type: cka.class, value: objectClass },
      { type: cka.id, value: viewOf(Uint8Array.fromHex(id)) },
    ]);
    if (found === undefined) return undefined;
    if (this.#handles.size >= maxHandles) this.#handles.clear();
    this.#handles.set(key, found);
    return found;
  }

  /** Asks the token about the object of a handle; throws when it does not answer. */
  ask(handle: Handle): void {
    this.#read(handle, cka.class);
  }

  #searchId(id: string): Handle[] {
    return this.#search([{ type: cka.id, value: viewOf(Uint8Array.fromHex(id)) }]);
  }

  #search(template: AttributeTemplate): Handle[] {
    const { module, handle: session } = this.#session;
    module.C_FindObjectsInit(session, [{ type: cka.token, value: true }, ...template]);
    try {
      const found: Handle[] = [];
      for (;;) {
        const more = module.C_FindObjects(session, maxFound);
        found.push(...more);
        if (more.length === 0) return found;
      }
    } finally {
      module.C_FindObjectsFinal(session);
    }
  }

  /** Removes all objects with that CKA_ID. */
  remove(id: string): void {
    const { module, handle: session } = this.#session;
    for (const objectClass of classes) this.#handles.delete(`${objectClass} ${id}`);
    for (const found of this.#searchId(id)) module.C_DestroyObject(session, found);
  }

  /**
   * As `remove`; returns why the token keeps the key, if it does, in one line.
   * @throws {Pkcs11Error} when session or token are lost
   */
  removeIfPermitted(id: string): string | null {
    try {
      this.remove(id);
      return null;
    } catch (error) {
      if (classifyCallFailure(error, () => this.#searchId(id)) === 'lost') throw error;
      return toFailure(error).message;
    }
  }

  #removeQuietly(id: string): void {
    try {
      this.remove(id);
    } catch {
      // The first error says more, and the daemon removes the key later by its record.
    }
  }

  /**
   * Lists secret and private keys whose label begins so, some of all keys at a time. The keys are looked for
   * once, with the first page.
   */
  list(prefix: string, from: number): ListedKeys {
    if (from === 0 || this.#listed === undefined)
      this.#listed = [cko.secretKey, cko.privateKey].flatMap((objectClass) =>
        this.#search([{ type: cka.class, value: objectClass }]),
      );
    const next = Math.min(from + maxListed, this.#listed.length);
    const keys = this.#listed.slice(from, next).flatMap((handle) => this.#describe(handle));
    return { total: this.#listed.length, next, keys: keys.filter(({ label }) => label.startsWith(prefix)) };
  }

  /** Nothing for a key that was removed meanwhile. */
  #describe(handle: Handle): ListedKeys['keys'] {
    try {
      const id = new Uint8Array(this.#read(handle, cka.id) ?? []).toHex();
      const label = new TextDecoder().decode(this.#read(handle, cka.label) ?? new Uint8Array());
      return [{ id, label }];
    } catch (error) {
      if (codeOf(error) === ckr.objectHandleInvalid) return [];
      throw error;
    }
  }
}

/** CKA_EC_POINT is a DER OCTET STRING; some tokens leave it away. */
function readPoint(value: Uint8Array): Uint8Array {
  const isBare = value[0] === 0x04 && value.length % 2 === 1 && value[1] !== value.length - 2;
  if (isBare) return new Uint8Array(value);
  const longForm = value[1] === 0x81 ? 3 : 2;
  return new Uint8Array(value.subarray(longForm));
}
