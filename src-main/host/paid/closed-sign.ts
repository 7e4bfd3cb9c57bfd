import { toCoded, type Logger, type Unsubscribe } from '../../base/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import { payErrors } from './errors.ts';
import { PAY_LIMITS, PAY_PROTOCOL } from './options.ts';
import { encode } from './wire.ts';

/** Of a node that computes for pay while chain or wallet are not there: who plans is told so, and does not take it for one that asks for nothing. */
export function hangClosedSign(mesh: Pick<Mesh, 'handle'>, logger: Logger): Promise<Unsubscribe> {
  const { code, message } = payErrors.unavailable({});
  const no = encode({ say: 'no', code, reason: message, again: true });
  return mesh.handle(PAY_PROTOCOL, PAY_LIMITS, (stream) => void (async () => {
    try {
      await stream[Symbol.asyncIterator]().next();
      await stream.send(no);
      await stream.close();
    } catch (error) {
      logger.debug({ peer: stream.peer, code: toCoded(error).code }, 'a question about pay came to nothing');
      stream.abort(toCoded(error));
    }
  })());
}
