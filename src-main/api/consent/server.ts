import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { isCoded, RateLimiter, systemClock, type Clock, type Logger } from '../../base/index.ts';
import { walletErrors } from '../../chain/index.ts';
import { apiErrors } from '../errors.ts';
import { statusOf } from '../http/status.ts';
import { answer, type Answered, type Desks } from './answer.ts';
import { sentSchema } from './forms.ts';
import { checkNavigation } from './guard.ts';
import { DOCUMENT_HEADERS } from './headers.ts';
import type { DocumentName } from './names.ts';
import { DOCUMENT_LIMITS } from './options.ts';
import { pageOf } from './page.ts';
import { notice } from './pages/frame.ts';
import { TEXTS } from './texts.ts';
import { Tickets, type Ticket } from './tickets.ts';

export interface WalletDocumentsInit extends Desks {
  readonly logger: Logger;
  readonly clock?: Clock;
}

interface Running {
  readonly app: FastifyInstance;
  readonly origin: string;
}

const HOST = '127.0.0.1';
const FORM = 'application/x-www-form-urlencoded';

/**
 * The documents in which the owner gives passwords and decides: HTML without script, on a loopback port of its own, which is open only while a
 * document is. Pages of other origins, ours too, can neither read nor send them (docs/security/wallet.md).
 */
export class WalletDocuments {
  readonly #init: WalletDocumentsInit;
  readonly #clock: Clock;
  readonly #tickets: Tickets;
  readonly #limiter: RateLimiter;
  #running: Promise<Running> | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(init: WalletDocumentsInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
    this.#tickets = new Tickets(this.#clock);
    this.#limiter = new RateLimiter(DOCUMENT_LIMITS, this.#clock);
  }

  /** Where the document is, for its owner's browser. Throws WALLET_NONE, WALLET_EXISTS, WALLET_NOTHING_WAITS. */
  async open(document: DocumentName): Promise<{ readonly url: string }> {
    this.#checkSense(document);
    const ticket = this.#tickets.open(document);
    const running = this.#running ??= this.#start();
    const { origin } = await running.catch((error: unknown) => {
      this.#running = undefined;
      throw error;
    });
    return { url: `${origin}${pathOf(ticket)}` };
  }

  /** Its window was closed: what it showed and was not decided is refused. */
  async closed(url: string): Promise<void> {
    const ticket = this.#tickets.find(new URL(url).pathname.slice(1));
    if (ticket === undefined) return;
    this.#tickets.drop(ticket.id);
    for (const id of ticket.shown) this.#init.consents.refuse(id);
    await this.#closeUnused();
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    const running = this.#running;
    this.#running = undefined;
    await (await running?.catch(() => undefined))?.app.close();
  }

  #checkSense(document: DocumentName): void {
    const { status } = this.#init.wallet.state();
    const isBeginning = document === 'create' || document === 'import';
    if (isBeginning && status !== 'none') throw walletErrors.exists({ path: 'wallet.json' });
    // The node can be given to an account of another wallet where there is none here.
    const isDecision = document === 'consent' && this.#init.consents.waiting().length > 0;
    if (!isBeginning && status === 'none' && !isDecision) throw walletErrors.none({});
    if (document === 'consent') this.#init.consents.current();
  }

  async #start(): Promise<Running> {
    const app = fastify({ bodyLimit: DOCUMENT_LIMITS.bodyBytes, requestTimeout: DOCUMENT_LIMITS.timeoutMs, exposeHeadRoutes: false, forceCloseConnections: true, routerOptions: { maxParamLength: 100 } });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(FORM, { parseAs: 'string' }, (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))));
    const origin = Promise.withResolvers<string>();
    this.#addChecks(app, origin.promise);
    app.get<{ Params: { readonly ticket: string } }>('/:ticket', (request, reply) => send(reply, pageOf(this.#init, this.#ticket(request.params.ticket))));
    app.post<{ Params: { readonly ticket: string } }>('/:ticket', (request, reply) => this.#post(request, reply));
    await app.listen({ host: HOST, port: 0 });
    origin.resolve(`http://${HOST}:${(app.server.address() as AddressInfo).port}`);
    this.#sweep = setInterval(() => void this.#closeUnused(), DOCUMENT_LIMITS.ticketMs).unref();
    return { app, origin: await origin.promise };
  }

  #addChecks(app: FastifyInstance, origin: Promise<string>): void {
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(DOCUMENT_HEADERS);
      checkNavigation(request, await origin);
      // What no person sends is refused before it is counted: other pages cannot use up what the owner may ask.
      if (!this.#limiter.take(request.ip)) throw apiErrors.rateLimited({});
    });
    app.addHook('onResponse', async () => this.#closeUnused());
    app.setNotFoundHandler((_, reply) => send(reply.code(404), notice(TEXTS.gone)));
    app.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
      const status = isCoded(error) ? statusOf(error) : error.statusCode ?? 500;
      if (status >= 500) this.#init.logger.error({ err: error }, 'a wallet document failed');
      return send(reply.code(status), notice(status === 404 ? TEXTS.gone : TEXTS.refused));
    });
  }

  async #post(request: FastifyRequest<{ Params: { readonly ticket: string } }>, reply: FastifyReply): Promise<FastifyReply> {
    const ticket = this.#ticket(request.params.ticket);
    const answered = await this.#answer(ticket, request.body);
    if ('problem' in answered) return send(reply.code(422), pageOf(this.#init, ticket, answered.problem));
    if (answered.isOver) this.#tickets.drop(ticket.id);
    return send(reply, answered.page);
  }

  async #answer(ticket: Ticket, body: unknown): Promise<Answered> {
    const fields = (body ?? {}) as Readonly<Record<string, string>>;
    const sent = sentSchema.safeParse(fields);
    const token = sent.success ? ticket.take(sent.data.token) : undefined;
    if (!sent.success || token === undefined) return { problem: TEXTS.oldForm };
    try {
      return await answer({ ...this.#init, clock: this.#clock, ticket, token, action: sent.data.action, fields, path: pathOf(ticket) });
    } catch (error) {
      if (isCoded(error)) return { problem: [error.message, error.next].filter((text) => text !== undefined).map(sentence).join(' ') };
      this.#init.logger.error({ err: error }, 'a wallet document failed');
      return { problem: TEXTS.unexpected };
    }
  }

  #ticket(id: string): Ticket {
    const ticket = this.#tickets.find(id);
    if (ticket === undefined) throw apiErrors.notFound({ path: 'that document' });
    return ticket;
  }

  async #closeUnused(): Promise<void> {
    if (this.#tickets.size === 0) await this.stop();
  }
}

const pathOf = ({ id }: Ticket): string => `/${id}`;
const send = (reply: FastifyReply, page: string): FastifyReply => reply.type('text/html; charset=utf-8').send(page);
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
