import type { Conversation, MessageService } from '../protocol/service.ts';

/** A message service that knows which messages are being answered. */
export class MessagesAtWork implements MessageService {
  readonly #service: MessageService;
  /** Names of the clients, by the answers that are awaited. */
  readonly #clients = new Map<Promise<unknown>, string>();

  constructor(service: MessageService) {
    this.#service = service;
  }

  async respond(request: Uint8Array, conversation: Conversation): ReturnType<MessageService['respond']> {
    const answer = this.#service.respond(request, conversation);
    this.#clients.set(answer, conversation.principal.client);
    const response = await answer;
    this.#clients.delete(answer);
    return response;
  }

  refuseFraming(...args: Parameters<MessageService['refuseFraming']>): Uint8Array {
    return this.#service.refuseFraming(...args);
  }

  /** Resolves once the messages that a client has at work by now have ended. */
  async ended(name: string): Promise<void> {
    await Promise.all(
      this.#clients
        .entries()
        .filter(([, client]) => client === name)
        .map(([answer]) => answer),
    );
  }
}
