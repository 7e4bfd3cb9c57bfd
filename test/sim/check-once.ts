import type { PublicKey } from '@libp2p/interface';

type Verify = PublicKey['verify'];

/**
 * A thousand nodes in one process check the same signature a thousand times, which is most of what a message costs them. Here it is checked
 * once, and the answer stands for the very same bytes. Returns what ends that.
 */
export function checkSignaturesOnce(example: PublicKey): () => void {
  const prototype = Object.getPrototypeOf(example) as { verify: Verify };
  const verify = prototype.verify;
  const right = new Map<string, Uint8Array>();
  prototype.verify = function (this: PublicKey, ...[data, signature, options]: Parameters<Verify>) {
    const key = `${Buffer.from(this.raw).toString('latin1')}${Buffer.from(signature).toString('latin1')}`;
    const bytes = data.subarray();
    const known = right.get(key);
    if (known !== undefined && Buffer.compare(known, bytes) === 0) return true;
    const isRight = verify.call(this, data, signature, options);
    if (isRight === true) right.set(key, bytes.slice());
    if (right.size > MAX_REMEMBERED) right.delete(right.keys().next().value as string);
    return isRight;
  };
  return () => { prototype.verify = verify; };
}

const MAX_REMEMBERED = 20_000;
