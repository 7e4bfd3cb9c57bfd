import { FLAG_MORE, FrameType } from '../wire/constants.ts';
import { encodeHeader } from '../wire/frame.ts';
import type { StageLink } from '../wire/link.ts';
import { encodeReceipts, RECEIPTS_PER_FRAME } from '../wire/receipts.ts';
import type { Signer, StageSource } from '../ports.ts';
import { receiptDtype, signReceipt, type SignedReceipt } from '../receipts/receipt.ts';
import { windowFields } from '../receipts/tapped.ts';
import type { StageSession } from './stage-session.ts';

export interface SignWindowsInit {
  readonly signer: Signer;
  readonly source: StageSource;
  /** Before they are sent: whoever gets them may rely on that they are known here. */
  readonly onSigned: (receipts: readonly SignedReceipt[]) => void;
}

/** Signs the oldest windows of a session's present run and sends them; MORE says that there may be others. Rejects with ENGINE_*, RECEIPT_*. */
export async function tellReceipts(session: StageSession, { link, end }: { readonly link: StageLink; readonly end: number }, init: SignWindowsInit): Promise<void> {
  const { entry, slot, dtypes: { takes, sends } } = session.init;
  const windows = await entry.engine.takeWindows(slot, { end, most: RECEIPTS_PER_FRAME });
  const { modelHash, engine: { info } } = entry;
  const offers = await init.source.offers();
  const about = {
    modelHash, manifestCid: offers.find((offer) => offer.modelHash === modelHash)?.manifestCid ?? null, backend: info.backend,
    takes: receiptDtype(takes), sends: receiptDtype(sends), layers: [info.layers.first, info.layers.last] as [number, number], session: session.address.session,
  };
  const signed: SignedReceipt[] = [];
  // One by one: between two of them others get their turn.
  for (const window of windows) signed.push(await signReceipt({ ...about, ...windowFields(window) }, init.signer));
  init.onSigned(signed);
  const payload = encodeReceipts(signed);
  link.postParts(encodeHeader(session.address, { type: FrameType.receipts, run: session.run, flags: windows.length === RECEIPTS_PER_FRAME ? FLAG_MORE : 0 }, payload), payload);
}
