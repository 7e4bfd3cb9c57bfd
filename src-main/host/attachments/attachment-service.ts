import type { AttachmentService } from '../../api/index.ts';
import { FileParts, systemClock, type Clock } from '../../base/index.ts';
import type { Chats } from '../../chats/index.ts';
import { DOCUMENT_LIMITS, documentErrors, readDocument } from '../../documents/index.ts';
import { ATTACHMENT_LIMITS } from '../../../src-preload/bridge/index.ts';
import { hostErrors } from '../errors.ts';

interface AttachmentServiceInit {
  readonly chats: Pick<Chats, 'addAttachment' | 'attachmentText' | 'attachmentCost' | 'discardAttachment'>;
  /** The thread that reads PDFs. */
  readonly pdfWorker: string;
}

/** Files for questions: brought in parts, read one after the other, and kept with the conversations. Nothing of them is logged. */
export function attachmentService({ chats, pdfWorker }: AttachmentServiceInit): AttachmentService {
  const uploads = fileParts(systemClock);
  const read = oneByOne();
  return {
    upload: ({ uploadId, part }) => uploads.add(Buffer.from(part, 'base64'), uploadId),
    read: ({ uploadId, name }) => read(async () => {
      const bytes = uploads.take(uploadId);
      const { kind, text, pages } = await readDocument({ name, bytes }, { workerPath: pdfWorker });
      return chats.addAttachment({ name, kind, sizeBytes: bytes.length, text, ...(pages === undefined ? {} : { pages }) });
    }),
    cost: ({ id }) => chats.attachmentCost(id),
    text: ({ id, offset }) => {
      const text = chats.attachmentText(id);
      return { text: text.slice(offset, offset + ATTACHMENT_LIMITS.textChars), total: text.length };
    },
    discard: ({ id }) => {
      uploads.drop(id);
      chats.discardAttachment(id);
      return {};
    },
  };
}

/** Throws HOST_UPLOAD_BUSY, HOST_UPLOAD_GONE, DOCUMENT_TOO_LARGE. */
export const fileParts = (clock: Clock): FileParts => new FileParts({
  clock, limitBytes: DOCUMENT_LIMITS.maxBytes,
  errors: { tooLarge: (bytes, limitBytes) => documentErrors.tooLarge({ bytes, limitBytes }), busy: (limit) => hostErrors.uploadBusy({ limit }), gone: () => hostErrors.uploadGone({}) },
});

/** A PDF takes a thread and a heap of its own: one at a time. */
function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const now = last.then(work);
    last = now.catch(() => undefined);
    return now;
  };
}
